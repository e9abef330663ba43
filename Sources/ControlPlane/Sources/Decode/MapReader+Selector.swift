import ControlTranslate

extension MapReader {
    /// Reads this mapping as a LabelSelector of Kubernetes; `nil`: it says something that is not understood.
    mutating func labelSelector() -> LabelSelector? {
        var selector = LabelSelector(labels: labels("matchLabels") ?? [:])
        for var entry in maps("matchExpressions") {
            let operation = LabelSelector.Expression.Operation(rawValue: entry.text("operator") ?? "")
            let values = Set((entry.texts("values") ?? []).map(\.text))
            guard let operation, let key = entry.text("key") else {
                let expected = "expected a key and an operator In, NotIn, Exists or DoesNotExist"
                complain(entry.line, entry.path, expected)
                return nil
            }
            entry.complainAboutTheRest()
            absorb(entry)
            selector.expressions.append(LabelSelector.Expression(key: key, operation: operation, values: values))
        }
        complainAboutTheRest()
        return selector
    }
}
