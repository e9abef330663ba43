import MeshModel
import Testing

@testable import MeshTelemetry

@Suite("Values in log lines")
struct ValueTextTests {
    private func text(_ write: (inout [UInt8]) -> Void) -> String {
        var line = Array("a".utf8)
        write(&line)
        return String(decoding: line.dropFirst(), as: UTF8.self)
    }

    @Test("numbers are written as Swift writes them", arguments: [0, 1, 9, 10, 99, 100, -1, -10, 65_535, .max, .min])
    func numbers(_ number: Int) {
        #expect(text { $0.append(decimal: number) } == "\(number)")
    }

    @Test("and with zeros in front where a width is asked for")
    func width() {
        #expect(text { $0.append(decimal: 7, width: 2) } == "07")
        #expect(text { $0.append(decimal: 0, width: 6) } == "000000")
        #expect(text { $0.append(decimal: 1234, width: 2) } == "1234")
    }

    @Test("addresses and identities as they describe themselves")
    func descriptions() {
        for word in ["10.0.0.1:80", "255.255.255.255:65535", "0.0.0.0:1", "[2001:db8::1]:443", "[::]:15008"] {
            #expect(text { $0.append(address(word)) } == word)
        }
        let identity = Identity(trustDomain: "a.b", namespace: "shop", serviceAccount: "web")
        #expect(text { $0.append(identity) } == "\(identity)")
    }
}
