import MeshModel

/// Turns resources into the world the nodes see, in the form istiod gives it (pilot/pkg/serviceregistry/ambient). Pure:
/// no I/O, no clock. Expects resources without duplicates, as `ResourceSet.merging` makes them.
package enum Translate {
    /// All that discovery serves, from merged resources; what was not understood is among the findings.
    package static func translate(_ resources: ResourceSet, _ settings: TranslateSettings) -> DesiredWorld {
        let context = TranslateContext(resources, settings)
        var translation = Translation(resources, context)
        translation.translateServices()
        translation.translatePods()
        translation.translateEntries()
        translation.attachPolicies()
        translation.translateRoutes()
        translation.translateGateways()
        translation.translateTraffic()
        return translation.finish()
    }
}
