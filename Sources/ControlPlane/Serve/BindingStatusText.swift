import ControlTranslate
import MeshModel

/// The status of a service that asks for a waypoint as YAML, in the form of `StatusText`.
enum BindingStatusText {
    static let mark = "# Written by apusd: what became of the service of this name."

    static func yaml(_ status: BindingStatus) -> String {
        let version = status.kind == .service ? "v1" : "networking.istio.io/v1"
        var text = "\(mark)\napiVersion: \(version)\nkind: \(status.kind.rawValue)\n"
        text += "metadata:\n  namespace: \(StatusText.quoted(status.namespace))\n"
        text += "  name: \(StatusText.quoted(status.name))\nstatus:\n  conditions:\n"
        text += "    - type: \(BindingStatus.condition)\n"
        text += "      status: \(StatusText.quoted(status.isTrue ? "True" : "False"))\n"
        text += "      reason: \(status.reason.rawValue)\n"
        text += "      message: \(StatusText.quoted(status.message))\n"
        if status.generation > 0 { text += "      observedGeneration: \(status.generation)\n" }
        return text
    }
}
