import Foundation
import MeshKernel
import MeshTLS

/// The node daemon. Settings come from the environment, so that it runs in a DaemonSet or a systemd unit unchanged.
@main
struct Ztunnel {
    static let version = "0.1.0"

    static func main() async {
        switch CommandLine.arguments.dropFirst().first {
        case "version"?, "--version"?:
            print("ztunnel \(version), \(TLSLibrary.versionText)")
        case "help"?, "--help"?, "-h"?:
            print(usage)
        default:
            await serve()
        }
    }

    private static func serve() async {
        do {
            let settings = try ZtunnelSettings(ProcessInfo.processInfo.environment)
            // Before anything allocates much: big buffers stay mapped, idle memory stays small.
            _ = AllocatorTuning.apply()
            _ = try ProcessResources.raiseDescriptorLimit()
            try await NodeProcess(settings).run()
        } catch {
            FileHandle.standardError.write(Data("ztunnel: \(error)\n".utf8))
            exit(1)
        }
    }

    private static let usage = """
        ztunnel: the node daemon of the mesh. It takes its settings from the environment:

          NODE_NAME           this node, as pods have it in spec.nodeName (needed)
          XDS_ADDRESS         the control plane, https://HOST:15012; CA_ADDRESS likewise
          XDS_ROOT_CA         file with the control plane's root certificate; CA_ROOT_CA likewise
          AUTH_TOKEN          file with this node's token
          APUS_SOCKET         where apus finds this daemon (/run/apus/ztunnel.sock)
          APUS_SAME_NODE      local (default) or encrypt: connections between pods of this node
          ZTUNNEL_WORKER_THREADS   event loops (1)
          SECRET_TTL          lifetime asked for certificates (24h)
          RUST_LOG            levels, for example info,access=debug; LOG_FORMAT=json for JSON lines
          APUS_ADMIN_ADDRESS, APUS_METRICS_ADDRESS, APUS_READINESS_ADDRESS
                              127.0.0.1:15000, 0.0.0.0:15020, 0.0.0.0:15021
          CONNECTION_TERMINATION_DEADLINE   how long connections may go on at the end (5s)
        """
}
