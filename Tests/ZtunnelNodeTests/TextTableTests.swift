import Testing

@testable import ZtunnelNode

@Suite("Tables for a terminal")
struct TextTableTests {
    @Test("columns are as wide as their widest cell, nothing stands behind the last")
    func columns() {
        var table = TextTable(["POD", "STATE"])
        table.add(["shop/web-1", "captured"])
        table.add(["a/b", "x"])
        #expect(table.text == "POD         STATE\nshop/web-1  captured\na/b         x\n")
    }

    @Test("an empty cell is a dash, so that columns can be counted")
    func empty() {
        var table = TextTable(["A", "B"])
        table.add(["", ""])
        #expect(table.text == "A  B\n-  -\n")
    }

    @Test("rows may be shorter or longer than the header")
    func ragged() {
        var table = TextTable(["A"])
        table.add(["1", "2", "3"])
        table.add([])
        #expect(table.text == "A\n1  2  3\n\n")
    }
}
