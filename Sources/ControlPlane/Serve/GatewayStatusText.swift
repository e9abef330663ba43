import ControlTranslate
import MeshModel

/// The status of a waypoint's Gateway as YAML, in the form of `StatusText`.
enum GatewayStatusText {
    static func yaml(_ status: GatewayStatus) -> String {
        var text = "\(StatusText.gatewayMark)\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"
        text += "metadata:\n  namespace: \(StatusText.quoted(status.namespace))\n"
        text += "  name: \(StatusText.quoted(status.name))\nstatus:\n"
        if status.addresses.isEmpty {
            text += "  addresses: []\n"
        } else {
            text += "  addresses:\n"
            for address in status.addresses {
                text += "    - type: IPAddress\n      value: \(StatusText.quoted(address.description))\n"
            }
        }
        text += "  conditions:\n\(conditions(status.conditions, status.generation, indentation: "    "))"
        guard !status.listeners.isEmpty else { return text + "  listeners: []\n" }
        text += "  listeners:\n"
        for listener in status.listeners {
            // An HBONE listener takes no routes: they are attached to services.
            text += "    - name: \(StatusText.quoted(listener.name))\n      attachedRoutes: 0\n"
            text += "      supportedKinds: []\n      conditions:\n"
            text += conditions(listener.conditions, status.generation, indentation: "        ")
        }
        return text
    }

    private static func conditions(
        _ conditions: [GatewayCondition], _ generation: Int, indentation: String
    ) -> String {
        var text = ""
        for condition in conditions {
            text += "\(indentation)- type: \(condition.kind.rawValue)\n"
            text += "\(indentation)  status: \(StatusText.quoted(condition.isTrue ? "True" : "False"))\n"
            text += "\(indentation)  reason: \(condition.reason.rawValue)\n"
            text += "\(indentation)  message: \(StatusText.quoted(condition.message))\n"
            if generation > 0 { text += "\(indentation)  observedGeneration: \(generation)\n" }
        }
        return text
    }
}
