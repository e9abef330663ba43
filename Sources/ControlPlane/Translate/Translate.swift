import MeshModel

/// Turns resources into the world the nodes see (reference 5.8 and 8.5). Pure: no I/O, no clock. Expects resources
/// without duplicates, as `ResourceSet.merging` makes them.
package enum Translate {
    /// All that discovery serves, from merged resources; what was not understood is among the findings.
    package static func translate(_ resources: ResourceSet, _ settings: TranslateSettings) -> DesiredWorld {
        let context = TranslateContext(resources, settings)
        var translation = Translation(resources, context)
        translation.translateServices()
        translation.translatePods()
        translation.translateEntries()
        translation.translateRoutes()
        return translation.finish()
    }
}
