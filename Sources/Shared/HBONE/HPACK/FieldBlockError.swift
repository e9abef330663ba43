/// Why a field block can't be read. The compression state is lost with it, and so is the connection.
/// Source: RFC 7541; RFC 9113 section 4.3.
package enum FieldBlockError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The block ends within a field.
    case truncated
    /// An integer above what any block may need.
    case integerTooLarge
    /// Neither the static nor the dynamic table has it.
    case unknownIndex(Int)
    /// No Huffman code, the code for the end, or padding that is none.
    case huffman
    /// A dynamic table larger than we allowed, bytes.
    case tableSize(Int)
    /// A change of the table's size behind a field.
    case tableSizeBehindField
    /// The fields are larger than is decoded at all, bytes. Told apart, since it is a flood and no mistake.
    case listTooLarge(bytesMax: Int)

    package var description: String {
        switch self {
        case .truncated: "it ends within a field"
        case .integerTooLarge: "an integer is too large"
        case .unknownIndex(let index): "no table has the index \(index)"
        case .huffman: "illegal Huffman code"
        case .tableSize(let bytes): "a dynamic table of \(bytes) bytes was not allowed"
        case .tableSizeBehindField: "a change of the table's size stands behind a field"
        case .listTooLarge(let bytesMax): "its fields have more than \(bytesMax) bytes"
        }
    }
}
