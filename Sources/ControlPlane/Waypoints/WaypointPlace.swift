import Foundation
import MeshKernel

/// Where a waypoint lives: a network namespace of its own and the link to the node. They outlive its process, so that
/// the next one has the same address.
struct WaypointPlace: Sendable {
    let namespace: NetworkNamespace
    private let link: PodLink

    static func make(_ link: PodLink) async throws(KernelError) -> WaypointPlace {
        try await blocking { () -> Result<WaypointPlace, KernelError> in
            Result { () throws(KernelError) -> WaypointPlace in
                // What a start that failed half-way has left.
                try PodLink.remove(device: link.device)
                let namespace = try NetworkNamespace.make()
                try link.install(in: namespace)
                return WaypointPlace(namespace: namespace, link: link)
            }
        }.get()
    }

    /// The namespace goes with the last process in it; its device goes now.
    func remove() async throws(KernelError) {
        let device = link.device
        try await blocking { () -> Result<Void, KernelError> in
            Result { () throws(KernelError) -> Void in try PodLink.remove(device: device) }
        }.get()
    }

    func start(_ program: String, _ environment: [String: String], output: String) throws(KernelError) -> ChildProcess {
        try ChildProcess(program, environment: environment, outputPath: output, in: namespace)
    }
}
