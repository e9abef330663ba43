package import ControlTranslate

/// A directory tree of resource files at one moment, for tools that ask once.
package enum ResourceDirectory {
    /// Everything that its files say, and what of it was not understood; `nil` when it cannot be read.
    package static func read(_ path: String) -> (resources: ResourceSet, findings: [Finding])? {
        var state = DirectoryState(directory: path)
        _ = state.refresh()
        return state.hasBeenRead ? state.merged() : nil
    }
}
