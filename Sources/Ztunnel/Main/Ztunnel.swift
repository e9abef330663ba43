import Foundation
import MeshKernel
import MeshTLS
import ZtunnelNode

/// The node daemon. Settings come from the environment, so that it runs in a DaemonSet or a systemd unit unchanged.
@main
struct Ztunnel {
    static let version = "0.1.0"

    static func main() async {
        switch CommandLine.arguments.dropFirst().first {
        case "version"?, "--version"?:
            print("ztunnel \(version), \(TLSLibrary.versionText)")
        case "uninstall-cni"?:
            uninstall()
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

    /// For the end of all: an upgrade leaves the plugin, so that no pod starts outside of the mesh meanwhile.
    private static func uninstall() {
        do {
            let settings = try ZtunnelSettings(ProcessInfo.processInfo.environment)
            try settings.installation?.remove()
        } catch {
            FileHandle.standardError.write(Data("ztunnel: \(error)\n".utf8))
            exit(1)
        }
    }

    private static let usage = """
        ztunnel: the node daemon of the mesh. `ztunnel uninstall-cni` takes its plugin out of the node's networks.
        It takes its settings from the environment:

          NODE_NAME           this node, as pods have it in spec.nodeName (needed)
          XDS_ADDRESS         the control plane, https://HOST:15012; CA_ADDRESS likewise
          XDS_ROOT_CA         file with the control plane's root certificate; CA_ROOT_CA likewise
          AUTH_TOKEN          file with this node's token
          APUS_SOCKET         where apus finds this daemon (/run/apus/ztunnel.sock)
          INPOD_UDS           socket of Istio's node agent, which then makes rules and names pods, under istiod as well
          APUS_CNI_CONF_DIR, APUS_CNI_BIN_DIR
                              where the node keeps its networks and their programs; the plugin is put there
          APUS_CNI_REMOVE_AT_END   and is taken out at the end (false: a successor comes)
          APUS_CNI_TIMEOUT_SECONDS, APUS_CNI_FAIL_OPEN, APUS_CNI_FAIL_OPEN_NAMESPACES, APUS_CNI_SOCKET
                              how long a pod's start may wait (30); which pods start without us (none; but
                              kube-system,istio-system); our socket as the node sees it
          APUS_PROC           /proc of the node: running pods are found there (none: they are attached by hand)
          APUS_NODE_NETNS     /proc/1/ns/net of the node: probes of the kubelet reach pods as if there were no mesh
                              (none: they are judged as plain text without an identity)
          APUS_SAME_NODE      local (default) or encrypt: connections between pods of this node
          ZTUNNEL_WORKER_THREADS   event loops (1)
          SPIFFE_ENDPOINT_SOCKET   agent of SPIFFE's Workload API that gives certificates in place of CA_ADDRESS:
                              unix:///PATH or tcp://IP:PORT (none)
          SECRET_TTL          lifetime asked for certificates (24h)
          RUST_LOG            levels, for example info,access=debug; LOG_FORMAT=json for JSON lines
          APUS_ADMIN_ADDRESS, APUS_METRICS_ADDRESS, APUS_READINESS_ADDRESS
                              127.0.0.1:15000, 0.0.0.0:15020, 0.0.0.0:15021
          CONNECTION_TERMINATION_DEADLINE   how long connections may go on at the end (5s)
          APUS_HANDOVER_DRAIN how long they may after another ztunnel with the same APUS_SOCKET has taken over (1h, or
                              5 s less than TERMINATION_GRACE_PERIOD_SECONDS)
          APUS_HANDOVER_STAY  then wait for SIGTERM instead of ending (in Kubernetes: true)
        """
}
