import CNetlink
import Glibc

/// What the process may use and does use.
package enum ProcessResources {
    /// Raises the soft limit of open descriptors to the hard one; returns the limit now in force.
    /// A proxy needs two per connection and the usual soft limit is 1024. setrlimit(2).
    @discardableResult
    package static func raiseDescriptorLimit() throws(KernelError) -> UInt64 {
        var limit = rlimit()
        guard unsafe apus_descriptor_limit(&limit) == 0 else { throw .last("getrlimit RLIMIT_NOFILE") }
        limit.rlim_cur = limit.rlim_max
        guard unsafe apus_raise_descriptor_limit(&limit) == 0 else { throw .last("setrlimit RLIMIT_NOFILE") }
        return UInt64(limit.rlim_cur)
    }

    /// Resident set size of this process in bytes; `nil` when procfs is not there. proc_pid_statm(5).
    package static func residentBytes() -> Int? {
        guard let text = try? SmallFile.read("/proc/self/statm") else { return nil }
        let fields = text.split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let digits = String(validating: fields[1], as: UTF8.self), let pages = Int(digits)
        else { return nil }
        return pages * sysconf(CInt(_SC_PAGESIZE))
    }
}
