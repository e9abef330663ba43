extension AuthorizationPolicy.StringMatch {
    /// `*`: presence; `*x`: ends in x; `x*`: begins with x; `x`: is x. A `*` elsewhere, or nothing at all, is `nil`.
    package init?(_ text: some StringProtocol) {
        if text == "*" {
            self = .presence
            return
        }
        let isSuffix = text.hasPrefix("*")
        let isPrefix = text.hasSuffix("*")
        let literal = String(isSuffix ? text.dropFirst() : isPrefix ? text.dropLast() : text[...])
        guard !literal.isEmpty, !literal.utf8.contains(UInt8(ascii: "*")) else { return nil }
        self = isSuffix ? .suffix(literal) : isPrefix ? .prefix(literal) : .exact(literal)
    }
}

extension AuthorizationPolicy.StringMatch: CustomStringConvertible {
    /// As it was written.
    package var description: String {
        switch self {
        case .exact(let text): return text
        case .prefix(let text): return "\(text)*"
        case .suffix(let text): return "*\(text)"
        case .presence: return "*"
        }
    }
}

extension AuthorizationPolicy.ServiceAccountMatch: CustomStringConvertible {
    package var description: String { "\(namespace)/\(serviceAccount)" }
}

extension RequestPolicy {
    /// Literal text with `*` for any characters anywhere.
    package struct WildcardMatch: Hashable, Sendable, CustomStringConvertible {
        /// What stands before, between and behind the stars: one piece more than stars.
        package let pieces: [String]

        /// `nil` for an empty text, and outside of ASCII, where no name of Kubernetes is.
        package init?(_ text: some StringProtocol) {
            guard !text.isEmpty, text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
            let parts: [Substring] = String(text).split(separator: "*", omittingEmptySubsequences: false)
            pieces = parts.map { String($0) }
        }

        package var description: String { pieces.joined(separator: "*") }

        /// The same as a simple match; `nil` when a star stands inside.
        package var simple: StringMatch? { StringMatch(description) }
    }

    /// How the issuer and the subject of a token must look; a token without one of them never matches.
    package struct RequestPrincipalMatch: Hashable, Sendable, CustomStringConvertible {
        package let issuer: StringMatch
        package let subject: StringMatch
        package let description: String

        /// `ISSUER/SUBJECT`, parted at the last slash because issuers are often URLs. A star before the issuer or
        /// behind the subject stands for any characters; without a slash, `*x` is the end of a subject and `x*` the
        /// beginning of an issuer. Anything else is `nil`.
        package init?(_ text: some StringProtocol) {
            let issuer: StringMatch?
            let subject: StringMatch?
            if let slash = text.lastIndex(of: "/") {
                (issuer, subject) = Self.parted(text[..<slash], text[text.index(after: slash)...])
            } else {
                let match = StringMatch(text)
                switch match {
                case .presence: (issuer, subject) = (match, match)
                case .suffix: (issuer, subject) = (.presence, match)
                case .prefix: (issuer, subject) = (match, .presence)
                case .exact, nil: (issuer, subject) = (nil, nil)
                }
            }
            guard let issuer, let subject else { return nil }
            self.issuer = issuer
            self.subject = subject
            description = String(text)
        }

        /// One star at one end of the whole: what stands next to the slash is literal.
        private static func parted(
            _ issuer: some StringProtocol, _ subject: some StringProtocol
        ) -> (StringMatch?, StringMatch?) {
            switch (StringMatch(issuer), StringMatch(subject)) {
            case (.exact(let issuer), .exact(let subject)): return (.exact(issuer), .exact(subject))
            case (let issuer, .exact(let subject)):
                if case .prefix = issuer { return (nil, nil) }
                return (issuer, .exact(subject))
            case (.exact(let issuer), let subject):
                if case .suffix = subject { return (nil, nil) }
                return (.exact(issuer), subject)
            default: return (nil, nil)
            }
        }
    }

    /// How a path must look: as a text, or segment by segment.
    package enum PathMatch: Hashable, Sendable, CustomStringConvertible {
        case text(StringMatch)
        case template(PathTemplate)

        /// A text with `{` or `}` is a template. `nil` when it is neither.
        package init?(_ text: some StringProtocol) {
            if text.contains("{") || text.contains("}") {
                guard let template = PathTemplate(text) else { return nil }
                self = .template(template)
            } else {
                guard let match = StringMatch(text) else { return nil }
                self = .text(match)
            }
        }

        package var description: String {
            switch self {
            case .text(let match): return match.description
            case .template(let template): return template.description
            }
        }
    }
}
