internal import ControlTranslate
internal import MeshModel

/// Reads and writes what a waypoint's Gateway is made into.
struct WaypointObjects: Sendable {
    /// Of a class: what holds for all its Gateways (istio.io, "Gateway class defaults").
    private static let defaultsLabel = "gateway.istio.io/defaults-for-class"

    let client: APIClient
    let settings: WaypointDeploySettings

    private let configMaps = ServedKind(
        kind: ResourceKind(kind: "ConfigMap", plural: "configmaps", group: "", versions: ["v1"]), version: "v1")

    init(client: APIClient, settings: WaypointDeploySettings) {
        self.client = client
        self.settings = settings
    }

    /// In which version each part is written; a part that the server does not have is left out.
    func versions() async throws(APIFailure) -> [WaypointObject.Part: ServedKind] {
        let served = try await client.served(WaypointObject.Part.allCases.map(\.kind))
        var versions: [WaypointObject.Part: ServedKind] = [:]
        for part in WaypointObject.Part.allCases { versions[part] = served[part.kind] }
        return versions
    }

    /// `GROUP/VERSION` of Gateways, as owners of what is made for them.
    func gatewayVersion() async throws(APIFailure) -> String? {
        try await client.served(StatusKinds.gateways).values.first?.apiVersion
    }

    // MARK: - Overlays

    /// The defaults of the Gateway's class, then what it names itself.
    func overlays(of gateway: GatewayResource) async throws(WaypointDeployFailure) -> [WaypointOverlay] {
        var overlays: [WaypointOverlay] = []
        if let defaults = try await defaults(ofClass: gateway.className) { overlays.append(defaults) }
        guard let parameters = gateway.infrastructure?.parameters else { return overlays }
        let namespace = gateway.metadata.namespace
        guard parameters.group.isEmpty, parameters.kind == "ConfigMap" else {
            throw .parameters(
                "parametersRef: expected a ConfigMap, found \(parameters.kind) of group \"\(parameters.group)\"")
        }
        let place = ObjectPlace(configMaps, namespace: namespace, name: parameters.name)
        guard let map = try await read(place) else {
            throw .parameters("parametersRef: ConfigMap \(namespace)/\(parameters.name) does not exist")
        }
        overlays.append(try Self.overlay(map, namespace))
        return overlays
    }

    /// The oldest of them counts.
    private func defaults(ofClass name: String) async throws(WaypointDeployFailure) -> WaypointOverlay? {
        let maps: [JSONValue]
        do {
            maps = try await client.list(
                configMaps, namespace: settings.rootNamespace, selector: "\(Self.defaultsLabel)=\(name)",
                seconds: settings.answerSeconds)
        } catch {
            throw .server(error)
        }
        guard let map = maps.min(by: { Self.age($0) < Self.age($1) }) else { return nil }
        return try Self.overlay(map, settings.rootNamespace)
    }

    private static func age(_ object: JSONValue) -> (String, String) {
        (object["metadata"]?["creationTimestamp"]?.text ?? "", object["metadata"]?["name"]?.text ?? "")
    }

    private static func overlay(
        _ map: JSONValue, _ namespace: String
    ) throws(WaypointDeployFailure) -> WaypointOverlay {
        let origin = "ConfigMap \(namespace)/\(map["metadata"]?["name"]?.text ?? "")"
        do {
            return try WaypointOverlay(origin: origin, data: (map["data"]?.members ?? [:]).compactMapValues(\.text))
        } catch {
            throw .parameters(error.description)
        }
    }

    // MARK: - Objects

    /// `nil` when there is none.
    private func read(_ place: ObjectPlace) async throws(WaypointDeployFailure) -> JSONValue? {
        do {
            return try await client.read(place, seconds: settings.answerSeconds)
        } catch .missing {
            return nil
        } catch {
            throw .server(error)
        }
    }

    func apply(_ object: WaypointObject, at place: ObjectPlace) async throws(WaypointDeployFailure) {
        do {
            _ = try await client.send(
                .apply(object.value, at: place, manager: settings.manager), seconds: settings.answerSeconds)
        } catch {
            throw .server(error)
        }
    }

    /// An object of the name that somebody made by hand stays his.
    func checkOwner(of place: ObjectPlace) async throws(WaypointDeployFailure) {
        guard let object = try await read(place),
            object["metadata"]?["labels"]?[WaypointTemplate.managedLabel] == nil
        else { return }
        let title = "\(place.served.kind.kind) \(place.namespace ?? "")/\(place.name)"
        throw .parameters(
            "\(title) is there and has no label \(WaypointTemplate.managedLabel): it is not overwritten")
    }

    /// Deletes the object if it was made for this Gateway.
    /// - Returns: whether it was there and is being deleted.
    func remove(_ place: ObjectPlace, ownedBy gateway: GatewayResource) async throws(WaypointDeployFailure) -> Bool {
        guard let object = try await read(place) else { return false }
        let owners = object["metadata"]?["ownerReferences"]?.elements ?? []
        guard object["metadata"]?["labels"]?[WaypointTemplate.managedLabel] != nil,
            owners.contains(where: { $0["uid"]?.text == gateway.metadata.uid }),
            let uid = object["metadata"]?["uid"]?.text
        else { return false }
        do {
            _ = try await client.send(.delete(place, uid: uid), seconds: settings.answerSeconds)
        } catch .missing {
            return false
        } catch {
            throw .server(error)
        }
        return true
    }
}

/// Why a Gateway's objects are not as they should be.
enum WaypointDeployFailure: Error, Hashable, Sendable {
    /// What the Gateway asks for cannot be, in words.
    case parameters(String)
    case server(APIFailure)
}
