import ArgumentParser

/// A form of the mesh's manifests: deploy/base, or a folder of deploy/overlays.
enum Overlay: String, CaseIterable, ExpressibleByArgument {
    case base
    case minimal
    case monitoring
    case istioCNI = "istio-cni"
    case admission

    /// As `kubectl kustomize` renders it.
    var text: String {
        switch self {
        case .base: RenderedManifests.base
        case .minimal: RenderedManifests.minimal
        case .monitoring: RenderedManifests.monitoring
        case .istioCNI: RenderedManifests.istioCNI
        case .admission: RenderedManifests.admission
        }
    }
}
