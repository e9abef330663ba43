import MeshModel
import MeshWire

import SwiftProtobuf

/// Request policies as they go over the wire.
extension WireCodec {
    static func message(_ policy: RequestPolicy) -> Apus_Waypoint_V1_RequestPolicy {
        .with {
            $0.name = message(namespace: policy.namespace, name: policy.name)
            switch policy.action {
            case .allow: $0.action = .allow
            case .deny: $0.action = .deny
            case .audit: $0.action = .audit
            case .custom(let provider):
                $0.action = .custom
                $0.provider = provider
            }
            $0.rules = policy.rules.map { rule in
                .with { $0.clauses = rule.clauses.map { clause in .with { $0.matches = clause.matches.map(message) } } }
            }
            $0.dryRun = policy.isDryRun
            if let authorizer = policy.authorizer { $0.authorizer = message(authorizer) }
        }
    }

    private static func message(_ match: RequestPolicy.Match) -> Apus_Waypoint_V1_PolicyMatch {
        .with {
            $0.terms = match.terms.map { term in
                .with {
                    $0.negated = term.isNegated
                    $0.test = message(term.test)
                }
            }
        }
    }

    private static func message(_ test: RequestPolicy.Test) -> Apus_Waypoint_V1_PolicyTerm.OneOf_Test {
        switch test {
        case .principals(let values): .principals(list(values))
        case .namespaces(let values): .namespaces(.with { $0.values = values.map(\.description) })
        case .serviceAccounts(let values):
            .serviceAccounts(
                .with { $0.values = values.map { message(namespace: $0.namespace, name: $0.serviceAccount) } })
        case .trustDomains(let values): .trustDomains(list(values))
        case .sourceIPs(let values): .sourceIps(list(values))
        case .remoteIPs(let values): .remoteIps(list(values))
        case .destinationIPs(let values): .destinationIps(list(values))
        case .destinationPorts(let values): .destinationPorts(.with { $0.values = values.map(UInt32.init) })
        case .serverNames(let values): .serverNames(list(values))
        case .hosts(let values): .hosts(list(values))
        case .methods(let values): .methods(list(values))
        case .paths(let values): .paths(.with { $0.values = values.map(message) })
        case .header(let name, let values):
            .header(
                .with {
                    $0.name = name
                    $0.values = values.map(message)
                })
        case .requestPrincipals(let values): .requestPrincipals(.with { $0.values = values.map(\.description) })
        case .claim(let path, let values):
            .claim(
                .with {
                    $0.path = path
                    $0.values = values.map(message)
                })
        }
    }

    private static func list(_ values: [RequestPolicy.StringMatch]) -> Apus_Waypoint_V1_TextMatches {
        .with { $0.values = values.map(message) }
    }

    private static func list(_ values: [IPBlock]) -> Apus_Waypoint_V1_Blocks {
        .with {
            $0.values = values.map { block in
                .with {
                    $0.address = bytes(block.address)
                    $0.length = UInt32(block.length)
                }
            }
        }
    }

    static func message(_ match: RequestPolicy.StringMatch) -> Apus_Waypoint_V1_TextMatch {
        .with {
            switch match {
            case .exact(let text): $0.exact = text
            case .prefix(let text): $0.prefix = text
            case .suffix(let text): $0.suffix = text
            case .presence: $0.presence = true
            }
        }
    }

    private static func message(_ match: RequestPolicy.PathMatch) -> Apus_Waypoint_V1_PathPattern {
        .with {
            switch match {
            case .text(let match): $0.text = message(match)
            case .template(let template): $0.template = template.description
            }
        }
    }
}
