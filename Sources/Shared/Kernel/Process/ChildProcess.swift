import CNetlink
import Glibc
import Synchronization

/// A program that we started and whose end we see. posix_spawn(3), waitid(2).
package final class ChildProcess: Sendable {
    package let identifier: Int32
    /// Clock ticks from boot to its start: with the number, nobody else's.
    package let startTicks: UInt64
    private let isReaped = Mutex(false)

    /// Starts a program at once: in the namespace, with this environment and no other, standard output and error at
    /// the end of a file of mode 600, signals as they are by default, and a process group of its own.
    /// - Parameter path: of the program; it is also its first argument.
    @available(*, noasync)
    package init(
        _ path: String, environment: [String: String], outputPath: String, in namespace: NetworkNamespace
    ) throws(KernelError) {
        let process = try namespace.perform { () throws(KernelError) -> Int32 in
            try Self.spawn(path, environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }, outputPath)
        }
        identifier = process
        startTicks = ForeignProcess.startTicks(of: process) ?? 0
    }

    private static func spawn(
        _ path: String, _ environment: [String], _ outputPath: String
    ) throws(KernelError) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        guard unsafe posix_spawn_file_actions_init(&actions) == 0, unsafe posix_spawnattr_init(&attributes) == 0 else {
            throw .system(operation: "prepare to start \(path)", errno: ENOMEM)
        }
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        let append = O_WRONLY | O_CREAT | O_APPEND
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, outputPath, append, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Listening sockets of libraries are inherited otherwise, and the port stays taken when we are gone.
        unsafe apus_close_from(&actions, 3)
        var (none, all) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var process: pid_t = 0
        let error = unsafe withTexts([path]) { arguments in
            unsafe withTexts(environment) { variables in
                unsafe posix_spawn(&process, path, &actions, &attributes, arguments, variables)
            }
        }
        guard error == 0 else { throw .system(operation: "start \(path)", errno: error) }
        return process
    }

    /// C strings and the null that ends them, for the length of the call.
    private static func withTexts(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { for unsafe pointer in unsafe pointers { unsafe free(pointer) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return EINVAL }
            return unsafe body(start)
        }
    }

    /// Sends a signal while it runs; afterwards nothing.
    package func signal(_ number: Int32) {
        isReaped.withLock { isReaped in
            guard !isReaped else { return }
            _ = kill(identifier, number)
        }
    }

    /// Blocks until it has ended, and says how in words. To be called once, from a thread that may wait.
    @available(*, noasync)
    package func waitForEnd() -> String {
        // It is reaped under the lock, so that its number cannot be another process's when a signal is sent.
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(identifier), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return isReaped.withLock { isReaped in
            isReaped = true
            var status: CInt = 0
            guard unsafe waitpid(identifier, &status, 0) == identifier else { return "ended unseen" }
            let signal = status & 0x7f
            return signal == 0 ? "ended with status \(status >> 8 & 0xff)" : "was ended by signal \(signal)"
        }
    }
}

/// A process that an earlier life of ours started. proc_pid_stat(5).
package enum ForeignProcess {
    /// Clock ticks from boot to its start; `nil` when there is no such process.
    package static func startTicks(of identifier: Int32) -> UInt64? {
        guard let bytes = try? SmallFile.read("/proc/\(identifier)/stat"), !bytes.isEmpty,
            let close = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        // The name before may hold anything; start time is field 22, and the state behind the name is field 3.
        let fields = String(decoding: bytes[(close + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 19, fields[0] != "Z" else { return nil }
        return UInt64(fields[19])
    }

    /// Signals the process if it is still the one that started then; says whether it is there.
    package static func signal(_ identifier: Int32, startTicks ticks: UInt64, _ number: Int32) -> Bool {
        guard identifier > 1, startTicks(of: identifier) == ticks else { return false }
        return kill(identifier, number) == 0
    }
}
