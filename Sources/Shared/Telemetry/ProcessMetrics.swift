import Foundation

extension MetricsRegistry {
    /// What Linux says about this process: descriptors, memory, processor time, start.
    package func registerProcess() {
        family("process_open_fds", type: .gauge, help: "Number of open file descriptors") {
            ProcessFacts.openDescriptors().map { [MetricSample(value: Double($0))] } ?? []
        }
        family("process_max_fds", type: .gauge, help: "Maximum number of open file descriptors") {
            ProcessFacts.maxDescriptors().map { [MetricSample(value: Double($0))] } ?? []
        }
        family("process_resident_memory_bytes", type: .gauge, help: "Resident memory size in bytes") {
            ProcessFacts.residentBytes().map { [MetricSample(value: Double($0))] } ?? []
        }
        family("process_cpu_seconds", type: .counter, help: "Total user and system CPU time spent in seconds") {
            ProcessFacts.processorSeconds().map { [MetricSample(value: $0)] } ?? []
        }
        family("process_threads", type: .gauge, help: "Number of threads of the process") {
            ProcessFacts.threads().map { [MetricSample(value: Double($0))] } ?? []
        }
    }

    /// The build: component and version as labels, value 1.
    package func registerBuild(component: String, version: String) {
        gauge("istio_build", help: "Istio component build info", labels: [("component", component), ("tag", version)]) {
            1
        }
    }

    /// Lines the log lost.
    package func registerLog(_ output: LogOutput) {
        let sink = output.sink
        counter("apus_access_log_dropped", help: "Log lines dropped: the writer was too slow") { sink.droppedLines }
        counter("apus_access_log_write_failures", help: "Batches of log lines the system refused") { sink.failedWrites }
    }
}

/// Facts from /proc (proc(5)); `nil` where it is not readable.
enum ProcessFacts {
    static func openDescriptors() -> Int? {
        // One of them is the directory being read.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).map { $0.count - 1 }
    }

    static func maxDescriptors() -> Int? {
        let line = lines("/proc/self/limits").first { $0.hasPrefix("Max open files") }
        return line?.split(separator: " ").dropFirst(3).first.flatMap { Int($0) }
    }

    static func residentBytes() -> Int? { status("VmRSS:").map { $0 * 1024 } }

    static func threads() -> Int? { status("Threads:") }

    /// User and system time: fields 14 and 15 of /proc/self/stat, in ticks of 10 ms (USER_HZ is 100 on Linux).
    static func processorSeconds() -> Double? {
        guard let text = lines("/proc/self/stat").first, let end = text.lastIndex(of: ")") else { return nil }
        // The command's name, in parentheses, may hold spaces: count from its end (field 2).
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
        return Double(user + system) / 100
    }

    private static func status(_ name: String) -> Int? {
        let line = lines("/proc/self/status").first { $0.hasPrefix(name) }
        return line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
    }

    private static func lines(_ path: String) -> [Substring] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n")
    }
}
