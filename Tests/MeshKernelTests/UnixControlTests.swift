import Foundation
import MeshKernel
import MeshTesting
import Testing

@Suite struct UnixControlTests {
    /// A connected pair over a fresh path.
    private struct Pair: ~Copyable {
        let directory: TemporaryDirectory
        let client: OwnedDescriptor
        let server: OwnedDescriptor

        init(_ kind: ControlSocketKind = .stream) throws {
            let directory = try TemporaryDirectory()
            let path = directory.path + "/control/socket"
            let listener = try UnixControl.listen(path: path, kind: kind)
            let client = try UnixControl.connect(path: path, kind: kind, timeoutMilliseconds: 5000)
            let server = try UnixControl.accept(on: listener, timeoutMilliseconds: 5000)
            self.directory = directory
            self.client = client
            self.server = server
        }

        /// Closes the server's end.
        consuming func hangUp() -> OwnedDescriptor { client }
    }

    private static let kinds: [ControlSocketKind] = [.stream, .packets]

    @Test("bytes and a descriptor arrive, and the descriptor leads to the same file", arguments: kinds)
    func descriptorTravels(kind: ControlSocketKind) throws {
        let pair = try Pair(kind)
        let namespace = try NetworkNamespace.home()
        let sent = try namespace.duplicateDescriptor()
        try UnixControl.send(Array("take this".utf8), descriptor: sent.raw, over: pair.client)
        let message = try UnixControl.receive(bytesMax: 100, over: pair.server)
        #expect(message.bytes == Array("take this".utf8))
        guard let received = message.takeDescriptor() else {
            Issue.record("expected a descriptor")
            return
        }
        #expect(try NetworkNamespace(adopting: received).identity == namespace.identity)
    }

    @Test("without a descriptor only bytes arrive, and an empty message is the end", arguments: kinds)
    func bytesAndEnd(kind: ControlSocketKind) throws {
        let pair = try Pair(kind)
        try UnixControl.send([1, 2, 3], over: pair.server)
        let message = try UnixControl.receive(bytesMax: 100, over: pair.client)
        #expect(message.bytes == [1, 2, 3])
        let hasDescriptor = message.hasDescriptor
        #expect(!hasDescriptor)
        let client = pair.hangUp()
        #expect(try UnixControl.receive(bytesMax: 10, over: client).bytes.isEmpty)
    }

    @Test("a whole message that does not fit is refused")
    func messageTooLong() throws {
        let pair = try Pair(.packets)
        try UnixControl.send([UInt8](repeating: 1, count: 101), over: pair.client)
        #expect(throws: KernelError.self) { _ = try UnixControl.receive(bytesMax: 100, over: pair.server) }
    }

    @Test("a second descriptor is refused, and all that came are closed", arguments: [2, 16, 40])
    func surplusDescriptors(count: Int) throws {
        let pair = try Pair()
        let script = """
            import array, socket
            file = open('\(pair.directory.path)/file', 'w')
            many = array.array('i', [file.fileno()] * \(count))
            socket.socket(fileno=0).sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, many)])
            """
        try runPython(script, on: pair.client)
        #expect(throws: KernelError.self) { _ = try UnixControl.receive(bytesMax: 100, over: pair.server) }
        #expect(try descriptors(of: pair.directory.path + "/file") == 0)
    }

    @Test("the socket is for its owner only, its directory too")
    func modes() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/control/socket"
        let listener = try UnixControl.listen(path: path)
        #expect(try Shell.run(["stat", "-c", "%a", path]) == "600\n")
        #expect(try Shell.run(["stat", "-c", "%a", directory.path + "/control"]) == "700\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/control") == ["socket"])
        _ = listener.raw
    }

    @Test("a dead socket is replaced, a living one and any other file are not")
    func staleSocket() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        do { _ = try UnixControl.listen(path: path) }
        let second = try UnixControl.listen(path: path)
        #expect(throws: KernelError.socketInUse(path: path)) { _ = try UnixControl.listen(path: path) }
        _ = second.raw
        let file = directory.path + "/file"
        #expect(FileManager.default.createFile(atPath: file, contents: nil))
        #expect(throws: KernelError.self) { _ = try UnixControl.listen(path: file) }
    }

    @Test("the peer's process is known")
    func credentials() throws {
        let pair = try Pair()
        let credentials = try UnixControl.peerCredentials(of: pair.server)
        #expect(credentials.processID == ProcessInfo.processInfo.processIdentifier)
        #expect(credentials.userID == 0)
    }

    @Test("a path that is too long says so")
    func longPath() throws {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        #expect(throws: KernelError.pathTooLong(path: path, limitBytes: 107)) {
            _ = try UnixControl.connect(path: path)
        }
    }

    @Test("waiting for a caller ends after its time")
    func acceptTimeout() throws {
        let directory = try TemporaryDirectory()
        let listener = try UnixControl.listen(path: directory.path + "/socket")
        let error = #expect(throws: KernelError.self) {
            _ = try UnixControl.accept(on: listener, timeoutMilliseconds: 20)
        }
        #expect(error?.description.contains("ETIMEDOUT") == true)
    }

    /// How many descriptors of this process lead to that file.
    private func descriptors(of path: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
        }.count
    }

    private func runPython(_ script: String, on socket: borrowing OwnedDescriptor) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        process.standardInput = FileHandle(fileDescriptor: socket.raw, closeOnDealloc: false)
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
