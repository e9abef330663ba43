import ArgumentParser
import Foundation
import Testing

@testable import apus

@Suite("apus get")
struct GetTests {
    private let shop: ShopFixture

    init() throws {
        shop = try ShopFixture()
        let bound = "type: istio.io/WaypointBound, status: \"False\", reason: WaypointIsNotReady, message: wait"
        try shop.putStatus("Service", "api", "  conditions: [ { \(bound) } ]\n")
        try shop.putStatus(
            "HTTPRoute", "api",
            "  parents: [ { conditions: [ { type: Accepted, status: \"True\" }, "
                + "{ type: ResolvedRefs, status: \"False\", message: \"no Service nowhere\" } ] } ]\n")
        try shop.putStatus(
            "Gateway", "way",
            "  addresses: [ { value: 10.254.0.1 } ]\n  conditions: [ { type: Programmed, status: \"True\" } ]\n")
    }

    private func resources(_ kind: GetKind, named name: String? = nil) throws -> [ShownResource] {
        try Get.found(
            kind, named: name, in: "shop", of: ResourceFolder(path: shop.resources),
            StatusFolder(path: shop.statuses))
    }

    private func table(_ kind: GetKind, isWide: Bool = false) throws -> [String] {
        Table.lines(kind.rows(try resources(kind), isWide: isWide))
    }

    @Test("each kind has its columns, and conditions are those that apusd wrote")
    func tables() throws {
        #expect(
            try table(.routes) == [
                "NAMESPACE   NAME   KIND        HOSTNAMES     PARENTS          ACCEPTED   RESOLVEDREFS",
                "shop        api    HTTPRoute   api.example   Service/api:80   True       False",
            ])
        #expect(
            try table(.policies) == [
                "NAMESPACE   NAME            KIND                  ACTION   TARGETS       RULES",
                "shop        no-delete       AuthorizationPolicy   DENY     Service/api   1",
                "shop        only-waypoint   AuthorizationPolicy   ALLOW    <none>        1",
                "shop        readers         AuthorizationPolicy   ALLOW    Service/api   2",
            ])
        #expect(
            try table(.waypoints) == [
                "NAMESPACE   NAME   TRAFFIC TYPE   ADDRESS      PROGRAMMED",
                "shop        way    service        10.254.0.1   True",
            ])
        #expect(
            try table(.services) == [
                "NAMESPACE   NAME    KIND      ADDRESS      PORTS   WAYPOINT   BOUND",
                "shop        api     Service   10.96.0.20   80,81   way        False",
                "shop        empty   Service   10.96.0.21   80      <none>     <none>",
            ])
        #expect(
            try table(.workloads).last
                == "shop        web    10.80.1.10   node1   web              <none>")
        #expect(
            try table(.routes, isWide: true).last
                == "shop        api    HTTPRoute   api.example   Service/api:80   True       False          "
                + "no Service nowhere   below/routes.yaml")
    }

    @Test("as YAML and JSON a resource has its status")
    func texts() throws {
        let found = try resources(.services, named: "api")
        let yaml = try GetText.yaml(found)
        #expect(yaml.contains("reason: WaypointIsNotReady") && yaml.contains("clusterIP: 10.96.0.20"))
        struct Shown: Decodable {
            struct Status: Decodable {
                struct Condition: Decodable { let type, reason: String }
                let conditions: [Condition]
            }
            let kind: String
            let status: Status
        }
        let one = try JSONDecoder().decode(Shown.self, from: Data(try GetText.json(found, isOne: true).utf8))
        #expect(one.kind == "Service" && one.status.conditions.first?.type == "istio.io/WaypointBound")
        struct List: Decodable { let kind: String }
        let list = try JSONDecoder().decode(List.self, from: Data(try GetText.json(found, isOne: false).utf8))
        #expect(list.kind == "List")
    }

    @Test("without a directory of statuses nothing is claimed")
    func unknown() throws {
        let found = try Get.found(
            .gateways, named: nil, in: nil, of: ResourceFolder(path: shop.resources), StatusFolder(path: nil))
        #expect(found.first?.state(of: "Programmed") == "<unknown>")
    }

    @Test(
        "names that users of kubectl know are understood; a resource that is not there ends with status 1",
        arguments: [("svc", true), ("HTTPRoute", true), ("gw", true), ("pods", true), ("secrets", false)])
    func names(word: String, isKnown: Bool) throws {
        let arguments = [word, "nothing", "-n", "shop", "--resources", shop.resources]
        guard isKnown else {
            #expect(throws: (any Error).self) { try Get.parse(arguments) }
            return
        }
        let command = try Get.parse(arguments)
        #expect(throws: CommandFailure.self) { try command.run() }
    }
}
