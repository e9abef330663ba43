import ControlTranslate
import MeshModel

extension MapReader {
    /// The entries of a list, at most that many; a longer list is a problem.
    mutating func bounded(_ key: String, _ count: Int) -> [MapReader] {
        let readers = maps(key)
        if let extra = readers.dropFirst(count).first {
            complain(extra.line, field(key), "expected at most \(count) entries, found \(readers.count)")
        }
        return Array(readers.prefix(count))
    }

    /// The text of a field as a value that checks itself; `nil` when it is absent or refused.
    mutating func converted<Value>(
        _ key: String, _ make: (String) throws(RouteValueError) -> Value
    ) -> Value? {
        guard let line = node(key)?.line, let text = text(key) else { return nil }
        do throws(RouteValueError) {
            return try make(text)
        } catch {
            complain(line, field(key), error.reason)
            return nil
        }
    }

    /// One of the words of an enumeration.
    mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ key: String, _: Value.Type, or standard: Value? = nil
    ) -> Value? where Value.RawValue == String {
        guard let line = node(key)?.line, let text = text(key) else {
            if standard == nil, problems.isEmpty { complain(self.line, field(key), "is missing") }
            return standard
        }
        if let value = Value(rawValue: text) { return value }
        let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
        complain(line, field(key), "expected one of \(known); found \"\(text.prefix(64))\"")
        return nil
    }

    /// The name of a resource or of a part of one.
    mutating func resourceName(_ key: String, isRequired: Bool = true) -> String? {
        guard let line = node(key)?.line, let text = text(key) else {
            if isRequired, problems.isEmpty { complain(self.line, field(key), "is missing") }
            return nil
        }
        guard ResourceName.isValid(text) else {
            complain(line, field(key), "is no valid name: \"\(text.prefix(64))\"")
            return nil
        }
        return text
    }

    /// `name` of an entry as the name of a header.
    mutating func headerName(_ key: String = "name") -> HeaderName? {
        let problemCount = problems.count
        let name = converted(key) { text throws(RouteValueError) in try HeaderName(text) }
        if name == nil, problems.count == problemCount { complain(line, field(key), "is missing") }
        return name
    }

    /// Text that must be there and must not be longer.
    mutating func boundedText(_ key: String, bytes: Int) -> String? {
        guard let line = node(key)?.line, let text = text(key) else {
            if problems.isEmpty { complain(self.line, field(key), "is missing") }
            return nil
        }
        guard (1...bytes).contains(text.utf8.count) else {
            complain(line, field(key), "expected 1 to \(bytes) bytes, found \(text.utf8.count)")
            return nil
        }
        return text
    }

    /// A duration as GEP-2257 writes it.
    mutating func duration(_ key: String) -> Duration? {
        converted(key) { text throws(RouteValueError) in try GatewayDuration(text).duration }
    }

    /// Names of headers, at most that many.
    mutating func headerNames(_ key: String) -> [HeaderName] {
        let written = texts(key) ?? []
        if written.count > RouteLimits.names {
            complain(line, field(key), "expected at most \(RouteLimits.names) entries, found \(written.count)")
        }
        var names: [HeaderName] = []
        for value in written.prefix(RouteLimits.names) {
            do throws(RouteValueError) {
                names.append(try HeaderName(value.text))
            } catch {
                complain(value.line, value.field, error.reason)
            }
        }
        return names
    }
}
