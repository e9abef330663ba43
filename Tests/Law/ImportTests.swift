import Testing

@Suite("The law of imports")
struct ImportTests {
    private let repository = Repository()

    /// Our own modules, by name.
    private var ours: Set<String> {
        Set(ImportTable.sources.map(\.target) + ["CNetlink", "COpenSSL", "MeshTesting", "SeededTesting"])
    }

    @Test("a room imports only what the table grants it", arguments: ImportTable.sources.map(\.target))
    func table(target: String) throws {
        let room = try #require(ImportTable.sources.first { $0.target == target })
        let granted = room.rooms.union(room.others).union(ImportTable.everywhere)
        let files = try repository.swiftFiles(below: [room.folder])
        #expect(!files.isEmpty, "\(room.folder) holds no Swift file: correct Tests/Law/ImportTable.swift")
        for file in files {
            for (module, index) in file.imports where !granted.contains(module) {
                let remedy =
                    ours.contains(module)
                    ? "arrows go downwards: move the code to a room that may use it, or pass the value in"
                    : "do without it, or grant it in Package.swift and Tests/Law/ImportTable.swift with a reason"
                Issue.record("\(file.place(index)): \(target) may not import \(module); \(remedy)")
            }
        }
    }

    @Test("the table has no circle: each room uses only rooms above it")
    func order() {
        var seen: Set<String> = []
        for room in ImportTable.sources {
            let below = room.rooms.subtracting(seen)
            #expect(below.isEmpty, "\(room.target) uses \(below.sorted()), which stand below it; turn the arrow round")
            seen.insert(room.target)
        }
    }

    @Test("every Swift file of Sources belongs to a room of the table")
    func complete() throws {
        for file in try repository.swiftFiles(below: ["Sources"]) {
            let isListed = ImportTable.sources.contains { file.path.hasPrefix("\($0.folder)/") }
            #expect(isListed, "\(file.path) is in no room: add its target to Tests/Law/ImportTable.swift")
        }
    }

    @Test("generated wire types stop at the rooms that speak the protocols")
    func wire() throws {
        for file in try repository.swiftFiles() where !file.isUnder(ImportTable.wireFolders) {
            for (module, index) in file.imports where module == "MeshWire" || module == "SwiftProtobuf" {
                Issue.record("\(file.place(index)): import of \(module); translate to values of MeshModel at the door")
            }
        }
    }

    @Test("C modules stop at their one room")
    func cModules() throws {
        let homes = ["COpenSSL": ["Sources/Shared/TLS"], "CNetlink": ["Sources/Shared/Kernel"]]
        for file in try repository.swiftFiles() {
            for (module, index) in file.imports {
                guard let folders = homes[module], !file.isUnder(folders) else { continue }
                Issue.record("\(file.place(index)): import of \(module); call through the room in \(folders)")
            }
        }
    }

    @Test("Foundation stays out of the rooms on the path of bytes")
    func foundation() throws {
        for file in try repository.swiftFiles(below: ImportTable.withoutFoundation) {
            for (module, index) in file.imports where module.hasPrefix("Foundation") {
                Issue.record("\(file.place(index)): import of \(module); use the standard library")
            }
        }
    }

    /// One target, one line; a product has a constant above, `let NAME: … .product(name: "MODULE"`.
    @Test("Package.swift grants no target what it does not import, and has no package that nobody uses")
    func unusedDependencies() throws {
        let lines = try repository.text("Package.swift").split(separator: "\n")
        var modules: [String: String] = [:]
        for line in lines where line.hasPrefix("let ") {
            let parts = line.split(separator: "\"")
            guard line.contains(".product("), parts.count > 1, let name = line.dropFirst(4).split(separator: ":").first
            else { continue }
            modules[String(name)] = String(parts[1])
        }
        var used: Set<String> = []
        for line in lines {
            guard let list = line.firstRange(of: "dependencies: ["), let path = line.firstRange(of: "path: \"") else {
                continue
            }
            let folder = String(line[path.upperBound...].prefix { $0 != "\"" })
            let imports = Set(try repository.swiftFiles(below: [folder]).flatMap { $0.imports.map(\.module) })
            let granted = line[list.upperBound...].prefix { $0 != "]" }.split(separator: ",")
            for word in granted.map({ $0.drop { $0 == " " } }) {
                let isConstant = !word.hasPrefix("\"")
                let module = isConstant ? modules[String(word)] : String(word.dropFirst().dropLast())
                used.insert(String(word))
                #expect(
                    module.map(imports.contains) == true,
                    "nothing in \(folder) imports \(module ?? String(word)): delete it from Package.swift")
            }
        }
        #expect(used.count > 20, "the lines of Package.swift look otherwise than this test knows")
        for name in modules.keys.sorted() {
            #expect(used.contains(name), "no target uses \(name): delete it and its package from Package.swift")
        }
    }

    @Test("Package.swift and the table name the same rooms")
    func manifest() throws {
        let manifest = try repository.text("Package.swift")
        for room in ImportTable.sources {
            #expect(
                manifest.contains("name: \"\(room.target)\"") && manifest.contains("path: \"\(room.folder)\""),
                "\(room.target) at \(room.folder) is not in Package.swift: correct Tests/Law/ImportTable.swift")
        }
    }
}

extension SourceFile {
    func isUnder(_ folders: [String]) -> Bool { folders.contains { path.hasPrefix("\($0)/") } }
}
