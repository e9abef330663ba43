/// Versions of the CNI specification.
package enum PluginVersion {
    /// Those that this plugin speaks. Results go through unchanged, so their differences do not touch it.
    package static let supported = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
    /// Stands in an error when the call did not say its version.
    package static let assumed = "1.0.0"

    /// The answer to VERSION.
    static func answer(to version: String) -> String {
        let list = supported.map(JSONSpan.quoted).joined(separator: ",")
        return "{\"cniVersion\":\(JSONSpan.quoted(version)),\"supportedVersions\":[\(list)]}\n"
    }
}
