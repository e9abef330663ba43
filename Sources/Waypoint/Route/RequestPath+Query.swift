extension RequestPath {
    /// The same path without some parameters of its query, and without the `?` when none is left. The others stay as
    /// they were written.
    /// - Parameter isUnwanted: asked for the name of each parameter, as written.
    package func withoutParameters(where isUnwanted: (_ name: ArraySlice<UInt8>) -> Bool) -> RequestPath {
        guard let query else { return self }
        let sign = UInt8(ascii: "&")
        let parameters = query.split(separator: sign, omittingEmptySubsequences: false)
        let kept = parameters.filter { !isUnwanted($0.prefix { $0 != UInt8(ascii: "=") }) }
        guard kept.count < parameters.count else { return self }
        var target = Array(path)
        if !kept.isEmpty {
            target.append(UInt8(ascii: "?"))
            target.append(contentsOf: kept.joined(separator: CollectionOfOne(sign)))
        }
        return RequestPath(target: target, pathEnd: pathEnd)
    }
}
