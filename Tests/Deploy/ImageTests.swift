import Foundation
import MeshTesting
import Testing

/// The images, without Docker: their recipe is read, and their file system is made and used.
@Suite("Images")
struct ImageTests {
    private func recipe() throws -> [String] {
        try Repository.text("deploy/docker/apus.Dockerfile").split(separator: "\n").map(String.init)
    }

    @Test("every program has an image, and none comes from a registry that is named")
    func stages() throws {
        let lines = try recipe()
        let stages = lines.filter { $0.hasPrefix("FROM ") }.map { $0.split(separator: " ").map(String.init) }
        for name in ["apusd", "ztunnel", "waypoint", "apus"] {
            let copies = "COPY --from=build /programs/\(name) /usr/local/bin/"
            #expect(stages.contains { $0 == ["FROM", "base", "AS", name] }, "\(name)")
            #expect(lines.contains(copies), "\(copies)")
            #expect(lines.contains("ENTRYPOINT [\"/usr/local/bin/\(name)\"]"), "\(name)")
        }
        // Before a slash, a part with a dot or a colon is a registry's host.
        for stage in stages {
            let parts = stage[1].split(separator: "/")
            #expect(parts.count == 1 || !parts[0].contains { ".:".contains($0) }, "\(stage[1])")
        }
        // ztunnel copies the plugin that lies beside it to its node.
        let node = lines.drop { $0 != "FROM base AS ztunnel" }.dropFirst().prefix { !$0.hasPrefix("FROM ") }
        #expect(node.contains("COPY --from=build /programs/apus-cni /usr/local/bin/"))
        #expect(lines.filter { $0.hasPrefix("USER ") } == Array(repeating: "USER 1337:1337", count: 3))
        #expect(lines.contains { $0.contains("swift build -c release --static-swift-stdlib") })
        #expect(lines.contains("RUN ! readelf --dynamic /programs/apus-cni | grep NEEDED"))
    }

    @Test("manifests name the images that the recipe makes")
    func names() throws {
        let text = try Shell.run([try MeshPrograms().apus, "install"])
        let images = Set(text.split(separator: "\n").compactMap { line -> String? in
            let parts = line.split(separator: " ")
            guard let place = parts.firstIndex(of: "image:"), place + 1 < parts.count else { return nil }
            return String(parts[place + 1])
        })
        let version = try Shell.run([try MeshPrograms().ztunnel, "--version"]).split { " ,".contains($0) }
        #expect(images == Set(["apusd", "ztunnel"].map { "apus/\($0):\(version[1])" }))
        #expect(text.contains("- --waypoint-image=apus/waypoint:\(version[1])\n"))
    }

    @Test("no program needs a library for netlink, which nodes and images may not have")
    func libraries() throws {
        let programs = try MeshPrograms()
        for program in [programs.ztunnel, programs.apusd, programs.waypoint, programs.apus, try programs.plugin()] {
            let needed = try Shell.run(["ldd", program])
            #expect(needed.contains("libc.so") && !needed.contains("libmnl"), "\(program): \(needed)")
        }
    }

    @Test(
        "the plugin of a release runs on a host that has nothing else, not even a C library",
        .enabled(if: Repository.releasedPlugin != nil))
    func plugin() throws {
        let host = try TemporaryDirectory()
        try Shell.run(["cp", try #require(Repository.releasedPlugin), "\(host.path)/apus-cni"])
        let question = "echo '{\"cniVersion\":\"1.0.0\"}' | CNI_COMMAND=VERSION chroot \(host.path) /apus-cni"
        let answer = try Shell.run(["sh", "-c", question])
        #expect(answer.contains("\"supportedVersions\""), "\(answer)")
    }

    @Test("there is no shell in them, and no program but ours", .enabled(if: Repository.imageRoot != nil))
    func noShell() throws {
        let root = try #require(Repository.imageRoot)
        let found = try Shell.run(["find", root, "-type", "f", "-perm", "/111"]).split(separator: "\n")
        let programs = found.filter { !$0.contains("/lib/") && !$0.contains("/libexec/") }
        #expect(programs.isEmpty, "\(programs)")
        #expect(try Shell.run(["find", root, "-perm", "/6000"]).isEmpty)
        #expect(FileManager.default.fileExists(atPath: "\(root)/etc/ssl/certs/ca-certificates.crt"))
    }

    @Test(
        "the programs run in it with OpenSSL 3.5, and a node daemon gets ready",
        .enabled(if: Repository.imageRoot != nil), .timeLimit(.minutes(3)))
    func programs() async throws {
        let image = try ImageRoot()
        for name in ["ztunnel", "waypoint"] {
            let version = try image.run(["/usr/local/bin/\(name)", "--version"])
            #expect(version.contains(", OpenSSL 3.5."), "\(version)")
        }
        let plugin = try image.run(
            ["/usr/local/bin/apus-cni"], variables: ["CNI_COMMAND=VERSION"], input: "{\"cniVersion\":\"1.0.0\"}")
        #expect(plugin.contains("\"supportedVersions\""), "\(plugin)")
        #expect(try image.run(["/usr/local/bin/apusd", "--help"]).contains("USAGE: apusd"))
        #expect(try image.run(["/usr/local/bin/apus", "install"]).hasPrefix("apiVersion: v1\n"))
        try image.write("resources/node.yaml", "apiVersion: v1\nkind: Node\nmetadata: { name: node1 }\n")
        let namespace = try TestNamespace()
        let control = try image.start(
            "apusd", in: namespace, environment: [:],
            ["--resources", "/resources", "--state", "/var/lib/apus", "--listen", "127.0.0.1:15012"])
        try await Wait.eventually("apusd", seconds: 30) { control.output.contains("apusd is ready") }
        let node = try image.start(
            "ztunnel", in: namespace,
            environment: [
                "NODE_NAME": "node1", "XDS_ADDRESS": "https://127.0.0.1:15012",
                "CA_ADDRESS": "https://127.0.0.1:15012", "XDS_ROOT_CA": "/var/lib/apus/root.crt",
                "CA_ROOT_CA": "/var/lib/apus/root.crt", "AUTH_TOKEN": "/var/lib/apus/tokens/node1",
                "APUS_SOCKET": "/run/ztunnel.sock",
            ], [])
        try await Wait.eventually("the readiness page; \(node.output)", seconds: 30, everyMilliseconds: 100) {
            try namespace.runAnyStatus("curl", "-s", "http://127.0.0.1:15021/healthz/ready").output == "ready\n"
        }
        await node.stop()
        await control.stop()
        #expect(node.status == 0, "\(node.output)")
    }
}

/// A copy of the images' file system with our programs in it.
private final class ImageRoot {
    private let directory: TemporaryDirectory
    private var root: String { "\(directory.path)/image" }

    /// What a program of a debug build needs besides: the Swift runtime, which images have inside the programs.
    private static let runtimeFolder = "/opt/swift-runtime"
    private static let libraries = ["LD_LIBRARY_PATH": runtimeFolder]

    init() throws {
        directory = try TemporaryDirectory()
        let made = try #require(Repository.imageRoot)
        try Shell.run(["cp", "-a", made, root])
        for folder in ["usr/local/bin", "resources", Self.runtimeFolder] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
        }
        let programs = try MeshPrograms()
        for program in [programs.ztunnel, programs.apusd, programs.waypoint, programs.apus, try programs.plugin()] {
            try Shell.run(["cp", program, "\(root)/usr/local/bin/"])
            for line in try Shell.run(["ldd", program]).split(separator: "\n") where line.contains("/swift/") {
                let words = line.split(separator: " ")
                if words.count > 2 { try Shell.run(["cp", "-u", String(words[2]), "\(root)\(Self.runtimeFolder)/"]) }
            }
        }
    }

    func write(_ path: String, _ text: String) throws {
        try text.write(toFile: "\(root)/\(path)", atomically: true, encoding: .utf8)
    }

    /// In a mount namespace of its own: a container has /proc too.
    private func command(_ program: [String]) -> [String] {
        [
            "unshare", "--mount", "sh", "-c", "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" \"$@\"", root,
        ] + program
    }

    func run(_ program: [String], variables: [String] = [], input: String = "") throws -> String {
        let environment = ["env"] + Self.libraries.map { "\($0.key)=\($0.value)" } + variables
        return try Shell.run(["sh", "-c", "printf %s \"$0\" | \"$@\"", input] + environment + command(program))
    }

    func start(
        _ name: String, in namespace: TestNamespace, environment: [String: String], _ arguments: [String]
    ) throws -> MeshProcess {
        try MeshProcess(
            name, in: namespace, environment: environment.merging(Self.libraries) { first, _ in first },
            output: "\(directory.path)/\(name).log", command(["/usr/local/bin/\(name)"] + arguments))
    }
}
