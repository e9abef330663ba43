import Synchronization

/// Counters of the control plane, in the text format of Prometheus. Few and slow: one lock is enough.
package final class ControlMetrics: Sendable {
    /// What only grows.
    package enum Counter: String, CaseIterable, Hashable, Sendable {
        case addressPushes, policyPushes, routePushes, attachedPolicyPushes, trafficPushes, otherPushes, pushBytes
        case refusals, staleNonces
        case certificatesIssued, certificatesRefused, authenticationFailures, connectionsRefused
        case tokenReviewFailures, streamsDistrusted
        case reports, reportsRefused, translations
    }

    /// What goes up and down.
    package enum Gauge: String, CaseIterable, Hashable, Sendable {
        case discoveryStreams, enrolmentStreams, connectedNodes
        case resources, workloads, services, policies, routes, attachedPolicies, traffic, provenPods
        case findingErrors, findingWarnings
        case signerNotAfterSeconds, leader
    }

    private struct Values {
        var counters: [Counter: UInt64] = [:]
        var gauges: [Gauge: Int64] = [:]
        var streamsByNode: [String: Int] = [:]
        var translateSeconds = 0.0
        var lastTranslateSeconds = 0.0
        var lastPublishSeconds = 0.0
    }

    private let values = Mutex(Values())

    package init() {}

    /// Counts further.
    package func add(_ counter: Counter, _ amount: Int = 1) {
        values.withLock { $0.counters[counter, default: 0] += UInt64(max(amount, 0)) }
    }

    /// Replaces the value of a gauge.
    package func set(_ gauge: Gauge, _ value: Int) {
        values.withLock { $0.gauges[gauge] = Int64(value) }
    }

    package func value(_ counter: Counter) -> UInt64 { values.withLock { $0.counters[counter] ?? 0 } }
    package func value(_ gauge: Gauge) -> Int64 { values.withLock { $0.gauges[gauge] ?? 0 } }

    /// A node's stream began or ended.
    package func changeStreams(_ gauge: Gauge, node: String, by change: Int) {
        values.withLock { values in
            values.gauges[gauge, default: 0] += Int64(change)
            values.streamsByNode[node, default: 0] += change
            if values.streamsByNode[node, default: 0] <= 0 { values.streamsByNode[node] = nil }
            values.gauges[.connectedNodes] = Int64(values.streamsByNode.count)
        }
    }

    /// One translation with everything up to its publication.
    package func translated(_ translateTime: Duration, published publishTime: Duration) {
        values.withLock { values in
            values.counters[.translations, default: 0] += 1
            values.lastTranslateSeconds = translateTime / .seconds(1)
            values.translateSeconds += translateTime / .seconds(1)
            values.lastPublishSeconds = publishTime / .seconds(1)
        }
    }

    /// The exposition, text format 0.0.4.
    package func expose() -> String {
        let values = values.withLock { $0 }
        var text = ""
        func counter(_ name: String, _ help: String, _ rows: [(labels: String, Counter)]) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) counter\n"
            for row in rows { text += "\(name)\(row.labels) \(values.counters[row.1] ?? 0)\n" }
        }
        func gauge(_ name: String, _ help: String, _ rows: [(labels: String, String)]) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n"
            for row in rows { text += "\(name)\(row.labels) \(row.1)\n" }
        }
        func of(_ gauge: Gauge) -> String { String(values.gauges[gauge] ?? 0) }
        counter("apusd_pushes_total", "Discovery responses sent.", [
            ("{type=\"address\"}", .addressPushes), ("{type=\"authorization\"}", .policyPushes),
            ("{type=\"routes\"}", .routePushes), ("{type=\"attached_policy\"}", .attachedPolicyPushes),
            ("{type=\"traffic\"}", .trafficPushes),
            ("{type=\"other\"}", .otherPushes),
        ])
        counter("apusd_push_bytes_total", "Bytes of resources sent.", [("", .pushBytes)])
        counter("apusd_nacks_total", "Responses a client refused in part.", [("", .refusals)])
        counter("apusd_stale_nonces_total", "Acknowledgements of nothing outstanding.", [("", .staleNonces)])
        counter("apusd_certificates_total", "Certificate requests by result.", [
            ("{result=\"issued\"}", .certificatesIssued), ("{result=\"refused\"}", .certificatesRefused),
        ])
        counter("apusd_authentication_failures_total", "Calls without a known token.", [("", .authenticationFailures)])
        counter("apusd_token_review_failures_total", "Tokens of which the API server could not say anything.",
            [("", .tokenReviewFailures)])
        counter("apusd_streams_distrusted_total", "Streams ended because their caller's pod is gone.",
            [("", .streamsDistrusted)])
        counter("apusd_connections_refused_total", "Connections over the limit or without a call.",
            [("", .connectionsRefused)])
        counter("apusd_pod_reports_total", "Pod reports by result.", [
            ("{result=\"accepted\"}", .reports), ("{result=\"refused\"}", .reportsRefused),
        ])
        counter("apusd_translations_total", "Translations of all resources.", [("", .translations)])
        text += "# HELP apusd_translate_seconds_total Time spent translating.\n"
            + "# TYPE apusd_translate_seconds_total counter\n"
            + "apusd_translate_seconds_total \(values.translateSeconds)\n"
        gauge("apusd_last_translate_seconds", "Time of the last translation.", [("", "\(values.lastTranslateSeconds)")])
        gauge("apusd_last_publish_seconds", "The last translation with encoding and publication.",
            [("", "\(values.lastPublishSeconds)")])
        gauge("apusd_connected_nodes", "Nodes with at least one stream.", [("", of(.connectedNodes))])
        gauge("apusd_streams", "Open streams.", [
            ("{api=\"discovery\"}", of(.discoveryStreams)), ("{api=\"enrolment\"}", of(.enrolmentStreams)),
        ])
        gauge("apusd_resources", "Resources read.", [("", of(.resources))])
        gauge("apusd_served", "Resources served.", [
            ("{kind=\"workload\"}", of(.workloads)), ("{kind=\"service\"}", of(.services)),
            ("{kind=\"policy\"}", of(.policies)),
            ("{kind=\"routes\"}", of(.routes)), ("{kind=\"attached_policy\"}", of(.attachedPolicies)),
            ("{kind=\"traffic\"}", of(.traffic)),
        ])
        gauge("apusd_proven_pods", "Pods whose enrolment is proven.", [("", of(.provenPods))])
        gauge("apusd_findings", "Findings in the resources.", [
            ("{severity=\"error\"}", of(.findingErrors)), ("{severity=\"warning\"}", of(.findingWarnings)),
        ])
        gauge("apusd_signer_not_after_seconds", "Unix time at which the signing certificate expires.",
            [("", of(.signerNotAfterSeconds))])
        gauge("apusd_leader", "Whether this replica is the one that writes.", [("", of(.leader))])
        return text
    }
}
