import ControlKubernetes
import ControlServe
import ControlTranslate
import Foundation
import MeshModel
import MeshRuntime
import MeshTelemetry

/// Pages of the admin port.
enum AdminPages {
    static func routes(
        desk: ControlDesk, metrics: ControlMetrics, readiness: Readiness, output: LogOutput,
        kinds: KubernetesSource.StatusBoard?
    ) -> [AdminRoute] {
        [
            readiness.route,
            AdminRoute("/metrics") { _ in
                AdminResponse(
                contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(metrics.expose().utf8))
            },
            AdminRoute("/debug/findings") { _ in
                json(desk.debugBoard.current?.findings.map(FindingView.init) ?? [])
            },
            AdminRoute("/debug/world") { _ in
                json(desk.debugBoard.current.map(WorldView.init))
            },
            AdminRoute("/debug/kubernetes") { _ in
                // Null where a directory is the source.
                json(kinds?.current)
            },
            StandardRoutes.logging(output),
            StandardRoutes.index(
                title: "apusd",
                pages: [
                    ("/healthz/ready", "whether the control plane serves"), ("/metrics", "counters for Prometheus"),
                    ("/debug/findings", "what is wrong in the resources"), ("/debug/world", "what nodes are told"),
                    ("/debug/kubernetes", "how far each kind of the API server is"),
                    ("/logging", "log levels (POST)"),
                ]),
        ]
    }

    private static func json(_ value: some Encodable) -> AdminResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let body = try? encoder.encode(value) else { return .text("cannot be shown as JSON\n", status: 500) }
        return .json(Array(body) + [UInt8(ascii: "\n")])
    }
}

/// A finding as JSON.
private struct FindingView: Encodable {
    let severity: String
    let file: String
    let line: Int
    let resource: String
    let message: String

    init(_ finding: Finding) {
        severity = finding.severity.rawValue
        file = finding.origin.file
        line = finding.origin.line
        resource = finding.resource
        message = finding.message
    }
}

/// The world as JSON, for people: short forms, no promise about fields.
private struct WorldView: Encodable {
    struct WorkloadView: Encodable {
        let uid, namespace, name, identity, node, tunnel, status: String
        let addresses, policies, services: [String]
        let waypoint: String?
    }

    struct ServiceView: Encodable {
        let namespace, hostname: String
        let addresses, ports: [String]
        let waypoint: String?
    }

    struct PolicyView: Encodable {
        let key, scope, action: String
        let isDryRun: Bool
        let ruleCount: Int
    }

    struct IntentView: Encodable {
        let pod, serviceAccount: String
        let captured, bypassInbound: Bool
    }

    let workloads: [WorkloadView]
    let services: [ServiceView]
    let policies: [PolicyView]
    let intents: [String: [IntentView]]

    init(_ world: DesiredWorld) {
        workloads = world.workloads.map { workload in
            WorkloadView(
                uid: workload.uid, namespace: workload.namespace, name: workload.name,
                identity: workload.identity.description, node: workload.node, tunnel: workload.tunnel.rawValue,
                status: workload.status.rawValue, addresses: workload.addresses.map(\.description),
                policies: workload.authorizationPolicies,
                services: workload.services.keys.map(\.description).sorted(),
                waypoint: workload.waypoint?.destination.description)
        }
        services = world.services.map { service in
            ServiceView(
                namespace: service.namespace, hostname: service.hostname,
                addresses: service.virtualAddresses.map { "\($0.network)/\($0.block)" },
                ports: service.ports.map { "\($0.servicePort)->\($0.targetPort.map { "\($0)" } ?? "named")" },
                waypoint: service.waypoint?.destination.description)
        }
        policies = world.policies.map { policy in
            PolicyView(
                key: policy.key, scope: policy.scope.rawValue, action: policy.action.rawValue,
                isDryRun: policy.isDryRun, ruleCount: policy.rules.count)
        }
        intents = world.intents.mapValues { intents in
            intents.map { intent in
                IntentView(
                    pod: intent.pod.description, serviceAccount: intent.serviceAccount, captured: intent.captured,
                    bypassInbound: intent.bypassInbound)
            }
        }
    }
}
