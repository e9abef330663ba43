import MeshModel
import MeshRuntime
import Testing

@Suite("Settings")
struct SettingsTests {
    static let durations: [(String, Duration?)] = [
        ("10s", .seconds(10)), ("5m", .seconds(300)), ("24h", .seconds(86_400)), ("1h30m", .seconds(5400)),
        ("100ms", .milliseconds(100)), ("1d2h3m4s5ms6us", .microseconds(93_784_005_006)), ("0s", .zero),
        ("", nil), ("10", nil), ("s", nil), ("abc", nil), ("10S", nil), ("-1s", nil), ("+1s", nil), ("1.5h", nil),
        (" 1s", nil), ("1s ", nil), ("1m1h", nil), ("1s1s", nil), ("1h 30m", nil), ("10x", nil), ("1s5", nil),
        ("99999999999999999999s", nil), ("9223372036854775807h", nil), ("36525d", .seconds(36_525 * 86_400)),
        ("36525d1us", nil), ("١s", nil),
    ]

    @Test("durations", arguments: durations.indices)
    func duration(index: Int) {
        let (text, expected) = Self.durations[index]
        #expect(SettingText.duration(text) == expected, "\(text)")
    }

    static let sizes: [(String, Int?)] = [
        ("0", 0), ("65536", 65_536), ("64KiB", 65_536), ("64Ki", 65_536), ("4MiB", 4_194_304), ("1Gi", 1 << 30),
        ("10B", 10), ("", nil), ("Ki", nil), ("-1", nil), ("1KB", nil), ("1 Ki", nil), ("1.5Mi", nil),
        ("9223372036854775807Gi", nil), ("99999999999999999999", nil),
    ]

    @Test("sizes", arguments: sizes.indices)
    func size(index: Int) {
        let (text, expected) = Self.sizes[index]
        #expect(SettingText.size(text) == expected, "\(text)")
    }

    @Test("booleans are true or false and nothing else")
    func bools() {
        #expect(SettingText.bool("true") == true)
        #expect(SettingText.bool("false") == false)
        for text in ["", "1", "yes", "True", "TRUE", " true"] { #expect(SettingText.bool(text) == nil) }
    }

    @Test("settings that are absent have their defaults, others are read")
    func reading() throws {
        var reader = SettingsReader([
            "A": "false", "B": "5m", "C": "1Mi", "D": "8", "E": "127.0.0.1:80", "F": "x", "G": "", "P": "81",
        ])
        #expect(reader.bool("A", default: true) == false)
        #expect(reader.bool("NONE", default: true) == true)
        #expect(reader.duration("B", default: .seconds(1)) == .seconds(300))
        #expect(reader.duration("NONE") == nil)
        #expect(reader.size("C", default: 1) == 1 << 20)
        #expect(reader.number("D", in: 1...8) == 8)
        #expect(reader.number("NONE", default: 3, in: 1...8) == 3)
        let standard = TransportAddress(IPAddress(v4: 0), port: 1)
        #expect(reader.address("E", default: standard) == TransportAddress("127.0.0.1:80"))
        #expect(reader.text("F", default: "y") == "x")
        #expect(reader.text("G") == "")
        #expect(reader.text("NONE") == nil)
        #expect(reader.port("P", default: 80) == 81)
        #expect(reader.value("F", expected: "x or y") { $0 == "x" ? 1 : nil } == 1)
        #expect(try reader.finish() == [])
    }

    @Test("all wrong values are reported at once, each with what was expected and found")
    func problems() {
        var reader = SettingsReader(["CERT_TTL": "abc", "FLAG": "yes", "N": "9", "SIZE": "5", "ADDR": "host"])
        #expect(reader.duration("CERT_TTL", default: .seconds(1)) == .seconds(1))
        _ = reader.bool("FLAG", default: false)
        _ = reader.number("N", in: 1...8)
        _ = reader.size("SIZE", default: 16_384, in: 16_384...16_777_215)
        _ = reader.address("ADDR", default: TransportAddress(IPAddress(v4: 0), port: 1))
        reader.reject("MODE", expected: "shared or dedicated, and not with FLAG")
        do throws(SettingsError) {
            _ = try reader.finish()
            Issue.record("wrong settings were accepted")
        } catch {
            #expect(
                error.description == """
                    CERT_TTL: expected a duration such as 10s, 5m or 24h, found 'abc'
                    FLAG: expected true or false, found 'yes'
                    N: expected a whole number from 1 to 8, found '9'
                    SIZE: expected a size such as 65536, 64KiB or 4MiB from 16384 to 16777215 bytes, found '5'
                    ADDR: expected an address such as 127.0.0.1:15000 or [::1]:15000, found 'host'
                    MODE: expected shared or dedicated, and not with FLAG, found ''
                    """)
        }
    }

    @Test("names of ours that nobody asked for are given back")
    func unknown() throws {
        var reader = SettingsReader(["APUS_PORT": "80", "APUS_PROT": "80", "PATH": "/bin"])
        _ = reader.port("APUS_PORT", default: 1)
        #expect(try reader.finish(prefixes: ["APUS_"]) == ["APUS_PROT"])
    }
}
