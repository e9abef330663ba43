import MeshModel
import Testing

func address(_ text: String) throws -> TransportAddress {
    try #require(TransportAddress(text))
}

func wrong(_ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation) {
    Issue.record(comment, sourceLocation: sourceLocation)
}
