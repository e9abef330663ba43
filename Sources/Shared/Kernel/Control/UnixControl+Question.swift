package import MeshModel

extension UnixControl {
    /// One question to a daemon and its whole answer, with a network namespace beside the question where it has one.
    /// `silenceSeconds` bounds each wait for more of the answer.
    /// Errors: `KernelError` when nobody answers, `nil` when the answer is none.
    @available(*, noasync)
    package static func ask(
        _ request: NodeRequest, at path: String, with namespace: NetworkNamespace? = nil, silenceSeconds: Int,
        answerBytesMax: Int
    ) throws(KernelError) -> NodeReply? {
        let connection = try connect(path: path, timeoutMilliseconds: silenceSeconds * 1_000)
        let line = Array("\(request.line)\n".utf8)
        if let namespace {
            let raw = try namespace.duplicateDescriptor().release()
            defer { OwnedDescriptor(adopting: raw).close() }
            try send(line, descriptor: raw, over: connection)
        } else {
            try send(line, over: connection)
        }
        var answer: [UInt8] = []
        while answer.count < answerBytesMax {
            let part = try receive(bytesMax: 1 << 16, over: connection)
            if part.bytes.isEmpty { break }
            answer += part.bytes
        }
        return NodeReply(text: String(decoding: answer, as: UTF8.self))
    }
}
