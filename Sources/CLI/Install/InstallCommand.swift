import ArgumentParser

/// Which manifests, with what in them.
struct InstallOptions: ParsableArguments {
    @Option(help: "Which form of the mesh: base, minimal, monitoring, istio-cni or admission.")
    var overlay = Overlay.base

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "KEY=VALUE, of \(InstallValues.keys.joined(separator: ", ")); may be given several times."))
    var settings: [String] = []

    func text() throws -> String { try InstallValues(settings).applied(to: overlay.text) }
}

/// `apus install | kubectl apply -f -`
struct Install: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the manifests of the mesh, for 'kubectl apply -f -'.",
        discussion: "They are those of deploy/ in the source tree, as 'kubectl kustomize' renders them.")

    @OptionGroup var options: InstallOptions

    func run() throws { print(try options.text(), terminator: "") }
}

/// `apus uninstall | kubectl delete --ignore-not-found -f -`
struct Uninstall: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the manifests of the mesh in the order to delete them, for 'kubectl delete -f -'.",
        discussion: "Give it what 'apus install' was given. Take the labels istio.io/dataplane-mode and "
            + "istio.io/use-waypoint away first: pods that are still captured when their node daemon goes get no new "
            + "connections.")

    @OptionGroup var options: InstallOptions

    func run() throws { print(Self.reversed(try options.text()), terminator: "") }

    /// The last document first, so that a namespace goes when all that was put into it has gone.
    static func reversed(_ text: String) -> String {
        text.split(separator: "\n---\n").reversed()
            .map { $0.hasSuffix("\n") ? $0 : "\($0)\n" }.joined(separator: "---\n")
    }
}
