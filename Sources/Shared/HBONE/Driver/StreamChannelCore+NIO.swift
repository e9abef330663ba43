import DequeModule
import NIOCore

/// The end of the channel's pipeline: what NIO asks of a channel.
extension StreamChannelCore: ChannelCore {
    func localAddress0() throws -> SocketAddress { throw ChannelError.unknownLocalAddress }

    func remoteAddress0() throws -> SocketAddress {
        guard let address = channel?.remoteAddress else { throw ChannelError.operationUnsupported }
        return address
    }

    func register0(promise: EventLoopPromise<Void>?) { refuse(promise) }

    func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) { refuse(promise) }

    func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) { refuse(promise) }

    func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) { refuse(promise) }

    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) { refuse(promise) }

    private func refuse(_ promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        enqueue(unwrapData(data, as: ByteBuffer.self), promise)
    }

    func flush0() { flushWrites() }

    func read0() {
        guard !hasEnded, input != .delivered else { return }
        isReadWanted = true
        deliver()
    }

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard !hasEnded else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        switch mode {
        case .all: close(promise)
        case .output: endOutput(promise)
        case .input: endInput(promise)
        }
    }

    func channelRead0(_ data: NIOAny) {}

    /// What no handler wanted to know.
    func errorCaught0(error: any Error) {}
}

extension StreamChannelCore: NIOSynchronousChannelOptions {
    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
        switch (option, value) {
        case (is ChannelOptions.Types.AutoReadOption, let value as Bool):
            isAutoReading = value
            readIfAutomatic()
        case (is ChannelOptions.Types.AllowRemoteHalfClosureOption, let value as Bool): allowsHalfClosure = value
        case (_, let mark as ChannelOptions.Types.WriteBufferWaterMark): waterMark = mark
        default: throw ChannelError.operationUnsupported
        }
    }

    func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
        let value: Any? =
            switch option {
            case is ChannelOptions.Types.AutoReadOption: isAutoReading
            case is ChannelOptions.Types.AllowRemoteHalfClosureOption: allowsHalfClosure
            case is ChannelOptions.Types.WriteBufferWaterMarkOption: waterMark
            case is ChannelOptions.Types.BufferedWritableBytesOption: outgoingBytes
            default: nil
            }
        guard let value = value as? Option.Value else { throw ChannelError.operationUnsupported }
        return value
    }
}
