import ControlTranslate
import Logging

/// Says each finding once when it appears and once when it goes.
struct FindingLog {
    private var known: Set<Finding> = []

    mutating func update(_ findings: [Finding], _ log: Logger) {
        let current = Set(findings)
        for finding in current.subtracting(known).sorted() {
            let level: Logger.Level = finding.severity == .error ? .error : .warning
            log.log(level: level, "\(finding)")
        }
        for finding in known.subtracting(current).sorted() { log.info("gone: \(finding)") }
        known = current
    }
}
