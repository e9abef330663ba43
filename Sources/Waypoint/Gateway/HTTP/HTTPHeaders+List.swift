internal import NIOHTTP1
internal import WaypointRoute

extension HTTPHeaders {
    init(_ list: HeaderList) {
        self.init()
        add(list)
    }

    /// Adds the fields of a message, without those that each connection writes for itself.
    mutating func add(_ list: HeaderList) {
        for index in 0..<list.count {
            let name = list.name(at: index)
            let isOurs = HeaderRules.isOfConnection(name) && !name.elementsEqual("te".utf8)
            guard !isOurs, !name.elementsEqual("content-length".utf8) else { continue }
            add(
                name: String(decoding: name, as: UTF8.self),
                value: String(decoding: list.value(at: index), as: UTF8.self))
        }
    }

    /// Says how the body ends.
    mutating func add(_ framing: BodyFraming) {
        switch framing {
        case .none: break
        case .length(let bytes): add(name: "content-length", value: "\(bytes)")
        case .untilEnd: add(name: "transfer-encoding", value: "chunked")
        }
    }
}
