internal import MeshModel
internal import NIOCore
internal import WaypointHTTP
internal import WaypointRoute
internal import WaypointToken

/// Makes the request of a question as if its bytes had come from a caller, so that it is read, refused and normalized
/// as every other.
enum RequestParser {
    private static let claimsBytesMax = 64 << 10

    /// As policy and routes see it.
    static func head(
        _ question: RequestQuestion, of target: CallTarget, from caller: Identity?, at own: Identity
    ) throws(RequestExplainer.Stop) -> RequestHead {
        let host = question.host ?? defaultHost(of: target, question)
        var lines = ["\(question.method) \(question.target) HTTP/1.1", "host: \(host)"]
        lines += question.headers.map { "\($0.name): \($0.value)" }
        // Else a value could bring fields of its own.
        let isClean = lines.allSatisfy { line in line.utf8.allSatisfy { $0 != 0x0a && $0 != 0x0d } }
        guard isClean else { throw .problem(ExplainProblem("a part of the request has a line break in it")) }
        var buffer = ByteBuffer(string: lines.joined(separator: "\r\n") + "\r\n\r\n")
        var reader = RequestDoor.makeReader()
        switch reader.next(from: &buffer) {
        case .head(let request):
            var head = request.head
            let certificate = caller.map { HeaderRules.clientCertificate(caller: $0, by: own) } ?? []
            HeaderRules.forward(
                &head, upgrades: request.upgrades, keepsAlive: true, clientCertificate: certificate,
                newID: { Array("00000000-0000-4000-8000-000000000000".utf8) })
            return head
        case .fault(let fault): throw .reply(LocalReply(fault))
        case .http2Preface, .body, .end, nil:
            throw .problem(ExplainProblem("method, path and headers make no request"))
        }
    }

    /// Whether the first bytes would be taken for a request.
    static func isHTTP(_ question: RequestQuestion) -> Bool {
        ProtocolSniffer.treatment(of: Array("\(question.method) \(question.target)".utf8)) == .http
    }

    static func claims(_ text: String) throws(RequestExplainer.Stop) -> TokenClaims {
        do throws(JSONProblem) {
            let value = try JSONReader.read(Array(text.utf8)[...], bytesMax: claimsBytesMax)
            if case .object(let members) = value { return TokenClaims(members) }
        } catch {
            throw .problem(ExplainProblem("the claims are no JSON: \(error)"))
        }
        throw .problem(ExplainProblem("expected claims as a JSON object"))
    }

    private static func defaultHost(of target: CallTarget, _ question: RequestQuestion) -> String {
        guard let service = target.service else { return question.authority }
        return target.port == HTTPScheme.http.defaultPort ? service.hostname : "\(service.hostname):\(target.port)"
    }
}
