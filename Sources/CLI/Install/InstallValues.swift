/// What `--set` changes in the manifests. With nothing set they stay as they are, byte for byte.
struct InstallValues: Hashable {
    static let standardNamespace = "apus-system"
    static let standardPrefix = "apus"
    static let standardTag = "0.1.0"
    static let standardTrustDomain = "cluster.local"
    static let keys = ["namespace", "rootNamespace", "imagePrefix", "imageTag", "trustDomain"]
    /// What stands before the root namespace: in apusd's arguments, and in the role for what lies there.
    private static let rootMarks = ["--root-namespace=", "  name: apusd-root\n  namespace: "]
    private static let images = ["apusd", "ztunnel", "waypoint"]

    private var namespace = standardNamespace
    /// Whose policies hold for the whole mesh; the namespace of the mesh unless it is set.
    private var rootNamespace: String?
    private var imagePrefix = standardPrefix
    private var imageTag = standardTag
    private var trustDomain = standardTrustDomain

    /// - Parameter settings: `KEY=VALUE` each; the last of a key counts.
    init(_ settings: [String] = []) throws(CommandFailure) {
        for setting in settings {
            guard let equals = setting.firstIndex(of: "=") else {
                throw CommandFailure("apus: expected --set KEY=VALUE, found '\(setting)'")
            }
            try set(String(setting[..<equals]), to: String(setting[setting.index(after: equals)...]))
        }
    }

    private mutating func set(_ key: String, to value: String) throws(CommandFailure) {
        switch key {
        case "namespace": namespace = try Self.checked(key, value, "the name of a namespace", Self.isNamespace)
        case "rootNamespace": rootNamespace = try Self.checked(key, value, "the name of a namespace", Self.isNamespace)
        case "imagePrefix":
            imagePrefix = try Self.checked(key, value, "what stands before /ztunnel in the image's name", Self.isPrefix)
        case "imageTag": imageTag = try Self.checked(key, value, "the tag of an image", Self.isTag)
        case "trustDomain": trustDomain = try Self.checked(key, value, "a trust domain", Self.isTrustDomain)
        default:
            let known = Self.keys.joined(separator: ", ")
            throw CommandFailure("apus: --set knows \(known); found '\(key)'")
        }
    }

    /// What is written into YAML as it stands must be of harmless characters.
    private static func checked(
        _ key: String, _ value: String, _ expected: String, _ isGood: (String) -> Bool
    ) throws(CommandFailure) -> String {
        guard isGood(value) else {
            throw CommandFailure("apus: --set \(key): expected \(expected), found '\(value)'")
        }
        return value
    }

    /// RFC 1123 label. Names that YAML would not read as texts are left out.
    private static func isNamespace(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let words: Set = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        guard (1...63).contains(bytes.count), let first = bytes.first, let last = bytes.last else { return false }
        return isLetter(first) && last != UInt8(ascii: "-") && !words.contains(text)
            && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isPrefix(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 200, !text.hasSuffix("/") else { return false }
        return (isLetter(first) || isDigit(first)) && text.utf8.allSatisfy { byte in
            isLetter(byte) || isDigit(byte) || "._-/:".utf8.contains(byte)
        }
    }

    private static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128 else { return false }
        let isWord = { (byte: UInt8) in isLetter(byte | 0x20) || isDigit(byte) || byte == UInt8(ascii: "_") }
        return isWord(first) && text.utf8.allSatisfy { isWord($0) || ".-".utf8.contains($0) }
    }

    private static func isTrustDomain(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "._-".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// The manifests with these values in their places.
    func applied(to text: String) -> String {
        guard let standard = try? InstallValues(), self != standard else { return text }
        var text = text
        for image in Self.images {
            text = text.replacing(
                "\(Self.standardPrefix)/\(image):\(Self.standardTag)", with: "\(imagePrefix)/\(image):\(imageTag)")
        }
        // No manifest has this character.
        let root = "\0"
        for mark in Self.rootMarks { text = text.replacing(mark + Self.standardNamespace, with: mark + root) }
        return text.replacing("--trust-domain=\(Self.standardTrustDomain)", with: "--trust-domain=\(trustDomain)")
            .replacing(Self.standardNamespace, with: namespace).replacing(root, with: rootNamespace ?? namespace)
    }
}
