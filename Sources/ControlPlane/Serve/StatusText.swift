import ControlTranslate
import MeshModel

/// The status of a route as YAML: the resource with nothing but its status, as `kubectl get` would show that part.
/// Equal statuses give equal texts; there are no times in it.
enum StatusText {
    /// First line of every file; files without it are somebody else's.
    static let mark = "# Written by apusd: what became of the route of this name."
    static let gatewayMark = "# Written by apusd: what became of the Gateway of this name."
    /// Istio's name for whoever judges routes, whatever their parent: tools look for it.
    private static let controller = "istio.io/gateway-controller"

    static func yaml(_ status: RouteStatus) -> String {
        var text = "\(mark)\n"
        text += "apiVersion: gateway.networking.k8s.io/\(version(status.kind))\nkind: \(status.kind.rawValue)\n"
        text += "metadata:\n  namespace: \(quoted(status.namespace))\n  name: \(quoted(status.name))\n"
        text += "status:\n"
        guard !status.parents.isEmpty else { return text + "  parents: []\n" }
        text += "  parents:\n"
        for parent in status.parents {
            text += "    - controllerName: \(controller)\n"
            text += reference(parent.reference)
            text += "      conditions:\n"
            for condition in parent.conditions {
                text += "        - type: \(condition.kind.rawValue)\n"
                text += "          status: \(quoted(condition.isTrue ? "True" : "False"))\n"
                text += "          reason: \(condition.reason.rawValue)\n"
                text += "          message: \(quoted(condition.message))\n"
                if status.generation > 0 { text += "          observedGeneration: \(status.generation)\n" }
            }
        }
        return text
    }

    private static func reference(_ reference: RouteParentReference) -> String {
        var text = "      parentRef:\n        group: \(quoted(reference.group))\n"
        text += "        kind: \(quoted(reference.kind))\n"
        if let namespace = reference.namespace { text += "        namespace: \(quoted(namespace))\n" }
        text += "        name: \(quoted(reference.name))\n"
        if let section = reference.sectionName { text += "        sectionName: \(quoted(section))\n" }
        if let port = reference.port { text += "        port: \(port)\n" }
        return text
    }

    private static func version(_ kind: RouteOrigin.Kind) -> String {
        switch kind {
        case .http, .grpc: "v1"
        case .tcp, .tls: "v1alpha2"
        }
    }

    /// In double quotes, which YAML reads as JSON does. Texts of users go into messages.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case " "..."~": quoted.unicodeScalars.append(scalar)
            default:
                let hex = String(scalar.value, radix: 16, uppercase: true)
                let width = scalar.value > 0xffff ? 8 : 4
                quoted += (width == 8 ? "\\U" : "\\u") + String(repeating: "0", count: width - hex.count) + hex
            }
        }
        return quoted + "\""
    }
}
