import HBONE
import MeshModel
import NIOCore

// libFuzzer's entry: hostile field blocks, one after the other on one connection. Each begins with its length; what was
// read is written and read again.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHPACK(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let first = bytes.first else { return 0 }
    let listBytesMax = 4096
    var decoder = FieldBlockDecoder(tableBytesMax: Int(first) * 17, listBytesMax: listBytesMax)
    var encoder = FieldBlockEncoder(tableBytesMax: Int(first) * 17)
    var reader = FieldBlockDecoder(listBytesMax: listBytesMax)
    var rest = bytes.dropFirst()
    while let length = rest.popFirst() {
        let block = rest.prefix(Int(length))
        rest = rest.dropFirst(Int(length))
        guard let section = try? decoder.decode(ByteBuffer(bytes: block)) else { return 0 }
        check(section, listBytesMax)
        encoder.setTableSize(Int(length) * 20)
        encoder.begin()
        let lines = section.lines
        for (index, place) in lines.places.enumerated() {
            let indexing: FieldBlockEncoder.Indexing = place.isNeverIndexed ? .never : .incremental
            encoder.append(name: lines.name(at: index), value: lines.value(at: index), indexing)
        }
        guard let again = try? reader.decode(ByteBuffer(bytes: encoder.block)) else {
            preconditionFailure("what was written can't be read")
        }
        precondition(again.lines == lines && again.listBytes == section.listBytes)
        precondition(again.lines.places.map(\.isNeverIndexed) == lines.places.map(\.isNeverIndexed))
    }
    return 0
}

/// Fields lie where they are said to, one behind the other.
private func check(_ section: FieldSection, _ listBytesMax: Int) {
    precondition(section.listBytes <= listBytesMax)
    var end = 0
    for place in section.lines.places {
        precondition(place.line.lowerBound == end && place.name.upperBound + 2 == place.value.lowerBound)
        end = place.line.upperBound
    }
    precondition(end == section.lines.bytes.count)
}
