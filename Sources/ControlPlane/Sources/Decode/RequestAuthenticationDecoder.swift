import ControlTranslate
import MeshModel

/// The spec of a RequestAuthentication. Problems stay in the rule they are about, or in the resource.
enum RequestAuthenticationDecoder {
    /// Of one resource.
    private static let rulesMax = 4096
    /// Of one rule.
    private static let delimitedClaimsMax = 64

    static func decode(_ spec: inout MapReader, into resource: inout RequestAuthenticationResource) {
        resource.selector = spec.workloadSelector()
        (resource.hasTargetReferences, resource.targets) = spec.policyTargets()
        let rules = spec.maps("jwtRules")
        if rules.count > rulesMax {
            spec.complain(spec.line, spec.field("jwtRules"), "has more than \(rulesMax) entries")
        }
        for var rule in rules { resource.rules.append(decode(&rule)) }
        spec.complainAboutTheRest()
    }

    private static func decode(_ reader: inout MapReader) -> RequestAuthenticationResource.Rule {
        var rule = RequestAuthenticationResource.Rule()
        rule.line = reader.line
        rule.issuer = reader.text("issuer") ?? ""
        rule.audiences = reader.texts("audiences")?.map(\.text) ?? []
        rule.jwks = reader.text("jwks")
        rule.jwksURI = reader.text("jwksUri") ?? reader.text("jwks_uri")
        locations(&reader, into: &rule)
        rule.forwardsToken = reader.flag("forwardOriginalToken") ?? false
        if let name = reader.text("outputPayloadToHeader") {
            rule.payloadHeader = reader.fieldName(name, "outputPayloadToHeader")
        }
        for var output in reader.maps("outputClaimToHeaders") {
            let (name, claim) = (output.text("header") ?? "", output.text("claim") ?? "")
            let path = claim.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            if path.contains("") { output.complain(output.line, output.field("claim"), "is no path of a claim") }
            if let header = output.fieldName(name, "header") {
                rule.claimHeaders.append(ClaimHeader(header: header, path: path))
            }
            output.complainAboutTheRest()
            reader.absorb(output)
        }
        rule.spaceDelimitedClaims = reader.texts("spaceDelimitedClaims")?.map(\.text) ?? []
        if rule.spaceDelimitedClaims.count > delimitedClaimsMax {
            reader.complain(
                reader.line, reader.field("spaceDelimitedClaims"), "has more than \(delimitedClaimsMax) entries")
        }
        if let text = reader.text("timeout") {
            rule.timeout = (try? GatewayDuration(text))?.duration
            if rule.timeout ?? .zero <= .zero {
                reader.complain(reader.line, reader.field("timeout"), "expected a duration such as 5s")
            }
        }
        reader.complainAboutTheRest()
        rule.problems = reader.problems
        return rule
    }

    private static func locations(
        _ reader: inout MapReader, into rule: inout RequestAuthenticationResource.Rule
    ) {
        for var header in reader.maps("fromHeaders") {
            let prefix = header.text("prefix") ?? ""
            if let name = header.fieldName(header.text("name") ?? "", "name") {
                rule.locations.append(.header(name: name, prefix: prefix))
            }
            header.complainAboutTheRest()
            reader.absorb(header)
        }
        for name in reader.names("fromParams") { rule.locations.append(.parameter(name)) }
        for name in reader.names("fromCookies") { rule.locations.append(.cookie(name)) }
    }
}

extension MapReader {
    /// The name of a header field in lower case; `nil`, with a problem, when it is none.
    fileprivate mutating func fieldName(_ text: String, _ key: String) -> String? {
        if let name = try? HeaderName(text) { return name.text }
        complain(line, field(key), "expected the name of a header, found \"\(text.prefix(64))\"")
        return nil
    }

    /// Texts that are not empty.
    fileprivate mutating func names(_ key: String) -> [String] {
        let texts = texts(key) ?? []
        if texts.contains(where: \.text.isEmpty) { complain(line, field(key), "has an empty name") }
        return texts.map(\.text).filter { !$0.isEmpty }
    }
}
