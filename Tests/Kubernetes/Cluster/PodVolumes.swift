import Foundation
import MeshTesting

/// The volumes of a pod, as files on its node.
struct PodVolumes {
    let server: APIServer
    let node: PlayedNode
    let pod: ObjectTree
    /// A folder of the pod alone.
    let folder: String

    /// Where each volume lies on the node, by its name. Throws while something that it is made of is not there, as a
    /// kubelet waits for it.
    func places() async throws -> [String: String] {
        var places: [String: String] = [:]
        for volume in pod["spec", "volumes"]?.items ?? [] {
            let name = volume["name"]?.text ?? ""
            places[name] = try await place(volume, at: "\(folder)/\(name)")
        }
        return places
    }

    private func place(_ volume: ObjectTree, at path: String) async throws -> String {
        if let host = volume["hostPath", "path"]?.text {
            let place = node.place(of: host)
            if volume["hostPath", "type"]?.text == "DirectoryOrCreate" { try make(place) }
            return place
        }
        try make(path)
        if let map = volume["configMap"] {
            try await write(map, to: path)
        } else if let sources = volume["projected", "sources"]?.items {
            for source in sources { try await project(source, to: path) }
        } else if let directory = volume["emptyDir"] {
            // Everybody may write, as kubelets make it; in memory with the sticky bit that a new tmpfs has.
            let mode = directory["medium"]?.text == "Memory" ? "1777" : "0777"
            try Shell.run(["chmod", mode, path])
            if let group = pod["spec", "securityContext", "fsGroup"]?.count {
                try Shell.run(["chown", ":\(group)", path])
                try Shell.run(["chmod", "g+s", path])
            }
        } else {
            throw APIServer.Missing(description: "a volume that is not played: \(try volume.json())")
        }
        return path
    }

    private func project(_ source: ObjectTree, to path: String) async throws {
        if let token = source["serviceAccountToken"] {
            let text = try await self.token(token)
            try text.write(toFile: "\(path)/\(token["path"]?.text ?? "token")", atomically: true, encoding: .utf8)
        } else if let map = source["configMap"] {
            try await write(map, to: path)
        } else {
            for item in source["downwardAPI", "items"]?.items ?? [] {
                let value = item["fieldRef", "fieldPath"]?.text.flatMap { pod.field($0) } ?? ""
                try value.write(toFile: "\(path)/\(item["path"]?.text ?? "")", atomically: true, encoding: .utf8)
            }
        }
    }

    private func make(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    private func write(_ map: ObjectTree, to path: String) async throws {
        let name = "\(pod.metadata("namespace"))/configmaps/\(map["name"]?.text ?? "")"
        let answer = try await server.call("GET", "/api/v1/namespaces/\(name)")
        guard answer.status == 200 else { throw APIServer.Missing(description: "no ConfigMap \(name) yet") }
        for (key, value) in try ObjectTree(json: answer.text)["data"]?.members ?? [:] {
            try (value.text ?? "").write(toFile: "\(path)/\(key)", atomically: true, encoding: .utf8)
        }
    }

    /// Of the pod's account and bound to the pod (kubernetes.io, "TokenRequest API").
    private func token(_ wish: ObjectTree) async throws -> String {
        let account = pod["spec", "serviceAccountName"]?.text ?? "default"
        let audiences = wish["audience"]?.text.map { #""audiences":["\#($0)"],"# } ?? ""
        let answer = try await server.call(
            "POST", "/api/v1/namespaces/\(pod.metadata("namespace"))/serviceaccounts/\(account)/token",
            """
            {"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{\(audiences)\
            "expirationSeconds":\(wish["expirationSeconds"]?.count ?? 3600),"boundObjectRef":{"apiVersion":"v1",\
            "kind":"Pod","name":"\(pod.metadata("name"))","uid":"\(pod.metadata("uid"))"}}}
            """)
        guard answer.status == 201, let token = try ObjectTree(json: answer.text)["status", "token"]?.text else {
            throw APIServer.Missing(description: "no token for \(account): \(answer.text.prefix(300))")
        }
        return token
    }
}

extension ObjectTree {
    /// A text of an object's metadata; empty when there is none.
    func metadata(_ name: String) -> String { self["metadata", name]?.text ?? "" }

    /// What the downward API calls by this path; without an address of the pod, which stands in no object yet.
    func field(_ path: String) -> String? {
        let parts = path.split(separator: ".").map(String.init)
        guard parts.count == 2 else { return nil }
        return self[parts[0], parts[1]]?.text
    }
}
