package import MeshKernel
package import MeshModel
package import NIOCore

extension Tunnel {
    /// Connects to this destination from inside the pod's namespace and without our mark, and expects the connection
    /// to arrive at 15001 within the bound. `false` when there is no route to it: then nothing was expected.
    ///
    /// The connection is made by a data loop, which does not wait for it: any number of pods may be tested at a time.
    /// Errors: `SelfTestFailure`, or what made the connection impossible.
    package func expectSelfTest(
        of key: PodKey, to destination: TransportAddress, in namespace: NetworkNamespace, within bound: TimeAmount
    ) async throws -> Bool {
        let test = SelfTestKey(pod: key, destination: destination)
        let eventLoop = slots[0].eventLoop
        let arrival = eventLoop.makePromise(of: Bool.self)
        for slot in slots {
            try await slot.run { loop in loop.selfTests[test] = { arrival.succeed(true) } }
        }
        let timeout = eventLoop.scheduleTask(in: bound) { arrival.fail(SelfTestFailure.notRedirected) }
        defer {
            timeout.cancel()
            for slot in slots { slot.execute { $0.selfTests[test] = nil } }
        }
        slots[0].execute { loop in
            var settings = loop.settings
            settings.connectTimeout = bound
            let dialer = Dialer(eventLoop: eventLoop, namespace: namespace, home: loop.home, settings: settings)
            dialer.connect(to: destination, for: .selfTest).whenComplete { result in
                switch result {
                case .success(let channel):
                    // That it was made says nothing yet: somebody else may have answered.
                    arrival.futureResult.whenComplete { _ in channel.close(promise: nil) }
                case .failure(ChannelError.connectTimeout):
                    arrival.fail(SelfTestFailure.notRedirected)
                case .failure(let error as IOError) where SelfTestFailure.noRouteErrors.contains(error.errnoCode):
                    arrival.succeed(false)
                case .failure(let error):
                    arrival.fail(error)
                }
            }
        }
        return try await arrival.futureResult.get()
    }
}

/// Why a self-test did not go through.
package enum SelfTestFailure: Error, Hashable, CustomStringConvertible {
    case notRedirected

    /// Network or host unreachable (ENETUNREACH, EHOSTUNREACH), address family not there (EAFNOSUPPORT, EADDRNOTAVAIL).
    static let noRouteErrors: Set<CInt> = [101, 113, 97, 99]

    package var description: String {
        "a test connection of the pod did not arrive at port \(TunnelPorts.outbound) within its time: "
            + "the capture rules are not in force"
    }
}
