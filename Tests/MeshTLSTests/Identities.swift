import MeshModel

extension Identity {
    static let cart = Identity(namespace: "shop", serviceAccount: "cart")
    static let till = Identity(namespace: "shop", serviceAccount: "till")
}
