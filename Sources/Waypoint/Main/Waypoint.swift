import Foundation
import MeshKernel
import MeshTLS

/// The waypoint. Settings come from the environment, so that it runs in a Deployment or as a process unchanged.
@main
struct Waypoint {
    static let version = "0.1.0"

    static func main() async {
        switch CommandLine.arguments.dropFirst().first {
        case "version"?, "--version"?:
            print("waypoint \(version), \(TLSLibrary.versionText)")
        case "help"?, "--help"?, "-h"?:
            print(usage)
        default:
            await serve()
        }
    }

    private static func serve() async {
        do {
            let settings = try WaypointSettings(ProcessInfo.processInfo.environment)
            // Before anything allocates much: big buffers stay mapped, idle memory stays small.
            _ = AllocatorTuning.apply()
            _ = try ProcessResources.raiseDescriptorLimit()
            try await WaypointProcess(settings).run()
        } catch {
            FileHandle.standardError.write(Data("waypoint: \(error)\n".utf8))
            exit(1)
        }
    }

    private static let usage = """
        waypoint: the L7 proxy of the mesh. It takes its settings from the environment:

          POD_NAME, POD_NAMESPACE, SERVICE_ACCOUNT   who we are (SERVICE_ACCOUNT: as GATEWAY_NAME)
          GATEWAY_NAME        our Gateway, as callers' istio.io/use-waypoint has it
          GATEWAY_SERVICE     our Service (as GATEWAY_NAME)
          NODE_NAME, NETWORK, TRUST_DOMAIN           where we are (any node, none, cluster.local)
          XDS_ADDRESS         the control plane, https://HOST:15012; CA_ADDRESS likewise
          XDS_ROOT_CA         file with the control plane's root certificate; CA_ROOT_CA likewise
          AUTH_TOKEN          file with our token
          APUS_HBONE_ADDRESS  where callers come to ([::]:15008)
          WAYPOINT_WORKER_THREADS   event loops (1)
          PROTOCOL_DETECTION_TIMEOUT   wait for the first bytes on ports that do not say what they speak (1s)
          SSL_CERT_FILE       file of the public authorities that servers outside are verified by (the system's)
          SPIFFE_ENDPOINT_SOCKET   agent of SPIFFE's Workload API that gives certificates in place of CA_ADDRESS:
                              unix:///PATH or tcp://IP:PORT (none)
          SECRET_TTL          lifetime asked for certificates (24h)
          RUST_LOG            levels, for example info,access=debug; LOG_FORMAT=json for JSON lines
          ACCESS_LOG_ENCODING lines of requests: TEXT (Envoy's), JSON (with LOG_FORMAT=json), FIELDS or OFF
          OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_HEADERS
                              where spans go (nowhere), http/protobuf or grpc, NAME=VALUE,...
          OTEL_SERVICE_NAME   of our spans (GATEWAY_NAME.POD_NAMESPACE)
          OTEL_PROPAGATORS    header fields of traces: tracecontext, b3, b3multi (tracecontext)
          TRACE_SAMPLING      percentage of requests traced whose caller has not decided (1)
          TRACE_SAMPLING_BY_REQUEST_ID   decide by x-request-id, so that proxies decide alike (true)
          OTEL_BSP_SCHEDULE_DELAY, OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BSP_MAX_EXPORT_BATCH_SIZE
                              batches of spans: milliseconds and spans (5000, 2048, 512)
          APUS_ADMIN_ADDRESS, APUS_METRICS_ADDRESS, APUS_READINESS_ADDRESS
                              127.0.0.1:15000, 0.0.0.0:15020, 0.0.0.0:15021
          APUS_SOCKET         Unix socket that `apus explain` asks on (none)
          TERMINATION_DRAIN_DURATION   how long requests may go on at the end (5s)
        """
}
