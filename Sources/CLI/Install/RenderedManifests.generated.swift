/// What `kubectl kustomize` makes of deploy/. Made by tools/generate-manifests; not to be changed by hand.
enum RenderedManifests {
    static let base = #"""
apiVersion: v1
kind: Namespace
metadata:
  labels:
    app.kubernetes.io/part-of: apus
    istio.io/dataplane-mode: none
    pod-security.kubernetes.io/enforce: privileged
  name: apus-system
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: trafficguards.apus.io
spec:
  group: apus.io
  names:
    kind: TrafficGuard
    listKind: TrafficGuardList
    plural: trafficguards
    singular: trafficguard
  scope: Namespaced
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        description: Limits and faults that a waypoint puts before services.
        properties:
          spec:
            properties:
              adaptiveConcurrency:
                description: Bounds of the number of requests under way, which follows
                  the time that answers take.
                type: object
                x-kubernetes-preserve-unknown-fields: true
              fault:
                description: Delays and refusals that are put in on purpose, in the
                  words of Istio's VirtualService.
                properties:
                  abort:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                  delay:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                type: object
                x-kubernetes-preserve-unknown-fields: true
              globalRateLimit:
                description: Questions to a service that speaks Envoy's rate limit
                  protocol. Without its answer requests are refused, unless failOpen
                  is true.
                type: object
                x-kubernetes-preserve-unknown-fields: true
              hedging:
                description: A request that is late goes to a second endpoint as well.
                properties:
                  after:
                    description: How late, such as 50ms.
                    type: string
                  maxAttempts:
                    maximum: 5
                    minimum: 2
                    type: integer
                  methods:
                    description: Methods of requests that may be sent twice.
                    items:
                      type: string
                    type: array
                required:
                - after
                type: object
                x-kubernetes-preserve-unknown-fields: true
              quarantine:
                description: Callers whose requests are refused.
                properties:
                  callers:
                    description: Identities, TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT.
                    items:
                      type: string
                    type: array
                type: object
                x-kubernetes-preserve-unknown-fields: true
              rateLimits:
                description: Limits that each waypoint counts by itself. A bucket
                  of tokens for each key; a request takes one, and is answered 429
                  when there is none.
                items:
                  properties:
                    fillInterval:
                      description: How often tokens are put in, such as 500ms; 1s
                        unless it is said.
                      type: string
                    key:
                      description: Who shares a bucket; everybody unless it is said.
                      properties:
                        header:
                          description: With the type Header, the name of the field
                            whose value is the key.
                          type: string
                        type:
                          enum:
                          - All
                          - Identity
                          - Header
                          type: string
                      required:
                      - type
                      type: object
                      x-kubernetes-preserve-unknown-fields: true
                    maxTokens:
                      description: What a full bucket holds.
                      format: int64
                      maximum: 4294967295
                      minimum: 1
                      type: integer
                    tokensPerFill:
                      description: What is put in each time; maxTokens unless it is
                        said.
                      format: int64
                      maximum: 4294967295
                      minimum: 1
                      type: integer
                  required:
                  - maxTokens
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                maxItems: 16
                type: array
              targetRefs:
                description: Services or ServiceEntries of this namespace.
                items:
                  properties:
                    group:
                      description: Empty for a Service, networking.istio.io for a
                        ServiceEntry.
                      type: string
                    kind:
                      description: Service unless it is said.
                      enum:
                      - Service
                      - ServiceEntry
                      type: string
                    name:
                      minLength: 1
                      type: string
                  required:
                  - name
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                maxItems: 16
                minItems: 1
                type: array
            required:
            - targetRefs
            type: object
            x-kubernetes-preserve-unknown-fields: true
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
        required:
        - spec
        type: object
    served: true
    storage: true
    subresources:
      status: {}
---
apiVersion: v1
automountServiceAccountToken: false
kind: ServiceAccount
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
---
apiVersion: v1
automountServiceAccountToken: false
kind: ServiceAccount
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-root
  namespace: apus-system
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - list
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
rules:
- apiGroups:
  - ""
  resourceNames:
  - apus-ca-secret
  - cacerts
  resources:
  - secrets
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - secrets
  verbs:
  - create
- apiGroups:
  - coordination.k8s.io
  resourceNames:
  - apusd
  resources:
  - leases
  verbs:
  - get
  - update
- apiGroups:
  - coordination.k8s.io
  resources:
  - leases
  verbs:
  - create
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-read
rules:
- apiGroups:
  - ""
  resources:
  - namespaces
  - nodes
  - pods
  - serviceaccounts
  - services
  verbs:
  - list
  - watch
- apiGroups:
  - ""
  resourceNames:
  - istio
  resources:
  - configmaps
  verbs:
  - list
  - watch
- apiGroups:
  - apiextensions.k8s.io
  resources:
  - customresourcedefinitions
  verbs:
  - list
  - watch
- apiGroups:
  - apus.io
  resources:
  - trafficguards
  verbs:
  - list
  - watch
- apiGroups:
  - discovery.k8s.io
  resources:
  - endpointslices
  verbs:
  - list
  - watch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways
  - grpcroutes
  - httproutes
  - referencegrants
  - tcproutes
  - tlsroutes
  verbs:
  - list
  - watch
- apiGroups:
  - networking.istio.io
  resources:
  - destinationrules
  - serviceentries
  - workloadentries
  verbs:
  - list
  - watch
- apiGroups:
  - networking.k8s.io
  resources:
  - networkpolicies
  verbs:
  - list
  - watch
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies
  - peerauthentications
  - requestauthentications
  verbs:
  - list
  - watch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-status
rules:
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - get
  - patch
- apiGroups:
  - ""
  resources:
  - services
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - services/status
  verbs:
  - patch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways
  - grpcroutes
  - httproutes
  - tcproutes
  - tlsroutes
  verbs:
  - get
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways/status
  - grpcroutes/status
  - httproutes/status
  - tcproutes/status
  - tlsroutes/status
  verbs:
  - patch
- apiGroups:
  - networking.istio.io
  resources:
  - serviceentries
  verbs:
  - get
- apiGroups:
  - networking.istio.io
  resources:
  - serviceentries/status
  verbs:
  - patch
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies
  verbs:
  - get
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies/status
  verbs:
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-trust
rules:
- apiGroups:
  - authentication.k8s.io
  resources:
  - tokenreviews
  verbs:
  - create
- apiGroups:
  - ""
  resourceNames:
  - istio-ca-root-cert
  resources:
  - configmaps
  verbs:
  - create
  - list
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-waypoints
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - serviceaccounts
  - services
  verbs:
  - create
  - get
  - patch
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - create
  - get
  - patch
- apiGroups:
  - autoscaling
  resources:
  - horizontalpodautoscalers
  verbs:
  - create
  - delete
  - get
  - patch
- apiGroups:
  - policy
  resources:
  - poddisruptionbudgets
  verbs:
  - create
  - delete
  - get
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-root
  namespace: apus-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: apusd-root
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: apusd
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-read
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-read
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-status
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-status
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-trust
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-trust
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-waypoints
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-waypoints
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: v1
kind: Service
metadata:
  labels:
    app: apusd
    app.kubernetes.io/name: apusd
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  ports:
  - name: grpc-xds
    port: 15012
    protocol: TCP
    targetPort: grpc-xds
  - name: http-monitoring
    port: 15014
    protocol: TCP
    targetPort: http-monitoring
  selector:
    app: apusd
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: apusd
    app.kubernetes.io/name: apusd
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  replicas: 2
  selector:
    matchLabels:
      app: apusd
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    type: RollingUpdate
  template:
    metadata:
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/port: "15014"
        prometheus.io/scrape: "true"
      labels:
        app: apusd
        app.kubernetes.io/name: apusd
        app.kubernetes.io/part-of: apus
        istio.io/dataplane-mode: none
        sidecar.istio.io/inject: "false"
    spec:
      automountServiceAccountToken: true
      containers:
      - args:
        - --kubernetes
        - --state=/var/lib/apus/state
        - --listen=0.0.0.0:15012
        - --admin=0.0.0.0:15014
        - --trust-domain=cluster.local
        - --root-namespace=apus-system
        - --server-name=apusd.apus-system.svc
        - --trusted-node-account=apus-system/ztunnel
        - --waypoint-image=apus/waypoint:0.1.0
        - --waypoint-control-plane=https://apusd.apus-system.svc:15012
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        image: apus/apusd:0.1.0
        livenessProbe:
          failureThreshold: 6
          httpGet:
            path: /
            port: http-monitoring
          initialDelaySeconds: 30
          periodSeconds: 10
          timeoutSeconds: 5
        name: apusd
        ports:
        - containerPort: 15012
          name: grpc-xds
          protocol: TCP
        - containerPort: 15014
          name: http-monitoring
          protocol: TCP
        readinessProbe:
          httpGet:
            path: /healthz/ready
            port: http-monitoring
          periodSeconds: 5
          timeoutSeconds: 5
        resources:
          limits:
            memory: 2Gi
          requests:
            cpu: 100m
            memory: 256Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop:
            - ALL
          readOnlyRootFilesystem: true
        volumeMounts:
        - mountPath: /var/lib/apus
          name: state
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: apus-control-plane
      securityContext:
        fsGroup: 1337
        runAsGroup: 1337
        runAsNonRoot: true
        runAsUser: 1337
        seccompProfile:
          type: RuntimeDefault
      serviceAccountName: apusd
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints:
      - labelSelector:
          matchLabels:
            app: apusd
        maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
      - labelSelector:
          matchLabels:
            app: apusd
        maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: ScheduleAnyway
      volumes:
      - emptyDir:
          medium: Memory
          sizeLimit: 64Mi
        name: state
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app: apusd
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  labels:
    app: ztunnel
    app.kubernetes.io/name: ztunnel
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
spec:
  minReadySeconds: 5
  selector:
    matchLabels:
      app: ztunnel
  template:
    metadata:
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/port: "15020"
        prometheus.io/scrape: "true"
      labels:
        app: ztunnel
        app.kubernetes.io/name: ztunnel
        app.kubernetes.io/part-of: apus
        istio.io/dataplane-mode: none
        sidecar.istio.io/inject: "false"
    spec:
      automountServiceAccountToken: false
      containers:
      - env:
        - name: NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: INSTANCE_IP
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
        - name: SERVICE_ACCOUNT
          valueFrom:
            fieldRef:
              fieldPath: spec.serviceAccountName
        - name: XDS_ADDRESS
          value: https://apusd.apus-system.svc:15012
        - name: CA_ADDRESS
          value: https://apusd.apus-system.svc:15012
        - name: XDS_ROOT_CA
          value: /var/run/secrets/istio/root-cert.pem
        - name: CA_ROOT_CA
          value: /var/run/secrets/istio/root-cert.pem
        - name: AUTH_TOKEN
          value: /var/run/secrets/tokens/istio-token
        - name: APUS_SOCKET
          value: /run/apus/ztunnel.sock
        - name: APUS_CNI_CONF_DIR
          value: /host/etc/cni/net.d
        - name: APUS_CNI_BIN_DIR
          value: /host/opt/cni/bin
        - name: APUS_CNI_FAIL_OPEN_NAMESPACES
          value: kube-system,apus-system
        - name: APUS_PROC
          value: /host/proc
        - name: APUS_NODE_NETNS
          value: /host/proc/1/ns/net
        - name: CONNECTION_TERMINATION_DEADLINE
          value: 20s
        - name: TERMINATION_GRACE_PERIOD_SECONDS
          value: "3600"
        image: apus/ztunnel:0.1.0
        name: ztunnel
        ports:
        - containerPort: 15020
          name: http-monitoring
          protocol: TCP
        - containerPort: 15021
          name: readiness
          protocol: TCP
        readinessProbe:
          httpGet:
            path: /healthz/ready
            port: readiness
          periodSeconds: 5
          timeoutSeconds: 5
        resources:
          limits:
            memory: 2Gi
          requests:
            cpu: 100m
            memory: 128Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            add:
            - NET_ADMIN
            - SYS_ADMIN
            - SYS_PTRACE
            drop:
            - ALL
          privileged: false
          readOnlyRootFilesystem: true
          runAsGroup: 1337
          runAsNonRoot: false
          runAsUser: 0
        volumeMounts:
        - mountPath: /var/run/secrets/istio
          name: root-certificate
          readOnly: true
        - mountPath: /var/run/secrets/tokens
          name: token
          readOnly: true
        - mountPath: /run/apus
          name: run
        - mountPath: /run/netns
          mountPropagation: HostToContainer
          name: namespaces
          readOnly: true
        - mountPath: /host/proc
          name: processes
          readOnly: true
        - mountPath: /host/etc/cni/net.d
          name: cni-configuration
        - mountPath: /host/opt/cni/bin
          name: cni-programs
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: system-node-critical
      securityContext:
        seccompProfile:
          type: RuntimeDefault
      serviceAccountName: ztunnel
      terminationGracePeriodSeconds: 3600
      tolerations:
      - operator: Exists
      volumes:
      - configMap:
          name: istio-ca-root-cert
        name: root-certificate
      - name: token
        projected:
          sources:
          - serviceAccountToken:
              audience: istio-ca
              expirationSeconds: 43200
              path: istio-token
      - hostPath:
          path: /run/apus
          type: DirectoryOrCreate
        name: run
      - hostPath:
          path: /run/netns
          type: DirectoryOrCreate
        name: namespaces
      - hostPath:
          path: /proc
          type: Directory
        name: processes
      - hostPath:
          path: /etc/cni/net.d
          type: DirectoryOrCreate
        name: cni-configuration
      - hostPath:
          path: /opt/cni/bin
          type: DirectoryOrCreate
        name: cni-programs
  updateStrategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    type: RollingUpdate
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-waypoint
spec:
  controllerName: istio.io/mesh-controller
  description: A waypoint of the mesh, for services or workloads of a namespace.
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: istio-waypoint
spec:
  controllerName: istio.io/mesh-controller
  description: A waypoint of the mesh, for services or workloads of a namespace.
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  ingress:
  - ports:
    - port: 15012
      protocol: TCP
  - from:
    - namespaceSelector:
        matchLabels:
          apus.io/monitoring: "true"
    ports:
    - port: 15014
      protocol: TCP
  podSelector:
    matchLabels:
      app: apusd
  policyTypes:
  - Ingress
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: default-deny
  namespace: apus-system
spec:
  podSelector: {}
  policyTypes:
  - Ingress
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
spec:
  egress:
  - ports:
    - port: 15012
      protocol: TCP
    to:
    - podSelector:
        matchLabels:
          app: apusd
  - ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          apus.io/monitoring: "true"
    ports:
    - port: 15020
      protocol: TCP
  podSelector:
    matchLabels:
      app: ztunnel
  policyTypes:
  - Ingress
  - Egress
---
apiVersion: scheduling.k8s.io/v1
description: The control plane of the mesh.
kind: PriorityClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-control-plane
value: 900000000

"""#
    static let minimal = #"""
apiVersion: v1
kind: Namespace
metadata:
  labels:
    app.kubernetes.io/part-of: apus
    istio.io/dataplane-mode: none
    pod-security.kubernetes.io/enforce: privileged
  name: apus-system
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: trafficguards.apus.io
spec:
  group: apus.io
  names:
    kind: TrafficGuard
    listKind: TrafficGuardList
    plural: trafficguards
    singular: trafficguard
  scope: Namespaced
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        description: Limits and faults that a waypoint puts before services.
        properties:
          spec:
            properties:
              adaptiveConcurrency:
                description: Bounds of the number of requests under way, which follows
                  the time that answers take.
                type: object
                x-kubernetes-preserve-unknown-fields: true
              fault:
                description: Delays and refusals that are put in on purpose, in the
                  words of Istio's VirtualService.
                properties:
                  abort:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                  delay:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                type: object
                x-kubernetes-preserve-unknown-fields: true
              globalRateLimit:
                description: Questions to a service that speaks Envoy's rate limit
                  protocol. Without its answer requests are refused, unless failOpen
                  is true.
                type: object
                x-kubernetes-preserve-unknown-fields: true
              hedging:
                description: A request that is late goes to a second endpoint as well.
                properties:
                  after:
                    description: How late, such as 50ms.
                    type: string
                  maxAttempts:
                    maximum: 5
                    minimum: 2
                    type: integer
                  methods:
                    description: Methods of requests that may be sent twice.
                    items:
                      type: string
                    type: array
                required:
                - after
                type: object
                x-kubernetes-preserve-unknown-fields: true
              quarantine:
                description: Callers whose requests are refused.
                properties:
                  callers:
                    description: Identities, TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT.
                    items:
                      type: string
                    type: array
                type: object
                x-kubernetes-preserve-unknown-fields: true
              rateLimits:
                description: Limits that each waypoint counts by itself. A bucket
                  of tokens for each key; a request takes one, and is answered 429
                  when there is none.
                items:
                  properties:
                    fillInterval:
                      description: How often tokens are put in, such as 500ms; 1s
                        unless it is said.
                      type: string
                    key:
                      description: Who shares a bucket; everybody unless it is said.
                      properties:
                        header:
                          description: With the type Header, the name of the field
                            whose value is the key.
                          type: string
                        type:
                          enum:
                          - All
                          - Identity
                          - Header
                          type: string
                      required:
                      - type
                      type: object
                      x-kubernetes-preserve-unknown-fields: true
                    maxTokens:
                      description: What a full bucket holds.
                      format: int64
                      maximum: 4294967295
                      minimum: 1
                      type: integer
                    tokensPerFill:
                      description: What is put in each time; maxTokens unless it is
                        said.
                      format: int64
                      maximum: 4294967295
                      minimum: 1
                      type: integer
                  required:
                  - maxTokens
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                maxItems: 16
                type: array
              targetRefs:
                description: Services or ServiceEntries of this namespace.
                items:
                  properties:
                    group:
                      description: Empty for a Service, networking.istio.io for a
                        ServiceEntry.
                      type: string
                    kind:
                      description: Service unless it is said.
                      enum:
                      - Service
                      - ServiceEntry
                      type: string
                    name:
                      minLength: 1
                      type: string
                  required:
                  - name
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                maxItems: 16
                minItems: 1
                type: array
            required:
            - targetRefs
            type: object
            x-kubernetes-preserve-unknown-fields: true
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
        required:
        - spec
        type: object
    served: true
    storage: true
    subresources:
      status: {}
---
apiVersion: v1
automountServiceAccountToken: false
kind: ServiceAccount
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
---
apiVersion: v1
automountServiceAccountToken: false
kind: ServiceAccount
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-root
  namespace: apus-system
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - list
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
rules:
- apiGroups:
  - ""
  resourceNames:
  - apus-ca-secret
  - cacerts
  resources:
  - secrets
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - secrets
  verbs:
  - create
- apiGroups:
  - coordination.k8s.io
  resourceNames:
  - apusd
  resources:
  - leases
  verbs:
  - get
  - update
- apiGroups:
  - coordination.k8s.io
  resources:
  - leases
  verbs:
  - create
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-read
rules:
- apiGroups:
  - ""
  resources:
  - namespaces
  - nodes
  - pods
  - serviceaccounts
  - services
  verbs:
  - list
  - watch
- apiGroups:
  - ""
  resourceNames:
  - istio
  resources:
  - configmaps
  verbs:
  - list
  - watch
- apiGroups:
  - apiextensions.k8s.io
  resources:
  - customresourcedefinitions
  verbs:
  - list
  - watch
- apiGroups:
  - apus.io
  resources:
  - trafficguards
  verbs:
  - list
  - watch
- apiGroups:
  - discovery.k8s.io
  resources:
  - endpointslices
  verbs:
  - list
  - watch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways
  - grpcroutes
  - httproutes
  - referencegrants
  - tcproutes
  - tlsroutes
  verbs:
  - list
  - watch
- apiGroups:
  - networking.istio.io
  resources:
  - destinationrules
  - serviceentries
  - workloadentries
  verbs:
  - list
  - watch
- apiGroups:
  - networking.k8s.io
  resources:
  - networkpolicies
  verbs:
  - list
  - watch
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies
  - peerauthentications
  - requestauthentications
  verbs:
  - list
  - watch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-status
rules:
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - get
  - patch
- apiGroups:
  - ""
  resources:
  - services
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - services/status
  verbs:
  - patch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways
  - grpcroutes
  - httproutes
  - tcproutes
  - tlsroutes
  verbs:
  - get
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways/status
  - grpcroutes/status
  - httproutes/status
  - tcproutes/status
  - tlsroutes/status
  verbs:
  - patch
- apiGroups:
  - networking.istio.io
  resources:
  - serviceentries
  verbs:
  - get
- apiGroups:
  - networking.istio.io
  resources:
  - serviceentries/status
  verbs:
  - patch
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies
  verbs:
  - get
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies/status
  verbs:
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-trust
rules:
- apiGroups:
  - authentication.k8s.io
  resources:
  - tokenreviews
  verbs:
  - create
- apiGroups:
  - ""
  resourceNames:
  - istio-ca-root-cert
  resources:
  - configmaps
  verbs:
  - create
  - list
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-waypoints
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - serviceaccounts
  - services
  verbs:
  - create
  - get
  - patch
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - create
  - get
  - patch
- apiGroups:
  - autoscaling
  resources:
  - horizontalpodautoscalers
  verbs:
  - create
  - delete
  - get
  - patch
- apiGroups:
  - policy
  resources:
  - poddisruptionbudgets
  verbs:
  - create
  - delete
  - get
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-root
  namespace: apus-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: apusd-root
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: apusd
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-read
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-read
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-status
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-status
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-trust
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-trust
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-waypoints
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-waypoints
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: v1
kind: Service
metadata:
  labels:
    app: apusd
    app.kubernetes.io/name: apusd
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  ports:
  - name: grpc-xds
    port: 15012
    protocol: TCP
    targetPort: grpc-xds
  - name: http-monitoring
    port: 15014
    protocol: TCP
    targetPort: http-monitoring
  selector:
    app: apusd
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: apusd
    app.kubernetes.io/name: apusd
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  replicas: 1
  selector:
    matchLabels:
      app: apusd
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    type: RollingUpdate
  template:
    metadata:
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/port: "15014"
        prometheus.io/scrape: "true"
      labels:
        app: apusd
        app.kubernetes.io/name: apusd
        app.kubernetes.io/part-of: apus
        istio.io/dataplane-mode: none
        sidecar.istio.io/inject: "false"
    spec:
      automountServiceAccountToken: true
      containers:
      - args:
        - --kubernetes
        - --state=/var/lib/apus/state
        - --listen=0.0.0.0:15012
        - --admin=0.0.0.0:15014
        - --trust-domain=cluster.local
        - --root-namespace=apus-system
        - --server-name=apusd.apus-system.svc
        - --trusted-node-account=apus-system/ztunnel
        - --waypoint-image=apus/waypoint:0.1.0
        - --waypoint-control-plane=https://apusd.apus-system.svc:15012
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        image: apus/apusd:0.1.0
        livenessProbe:
          failureThreshold: 6
          httpGet:
            path: /
            port: http-monitoring
          initialDelaySeconds: 30
          periodSeconds: 10
          timeoutSeconds: 5
        name: apusd
        ports:
        - containerPort: 15012
          name: grpc-xds
          protocol: TCP
        - containerPort: 15014
          name: http-monitoring
          protocol: TCP
        readinessProbe:
          httpGet:
            path: /healthz/ready
            port: http-monitoring
          periodSeconds: 5
          timeoutSeconds: 5
        resources:
          limits:
            memory: 2Gi
          requests:
            cpu: 10m
            memory: 64Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop:
            - ALL
          readOnlyRootFilesystem: true
        volumeMounts:
        - mountPath: /var/lib/apus
          name: state
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: apus-control-plane
      securityContext:
        fsGroup: 1337
        runAsGroup: 1337
        runAsNonRoot: true
        runAsUser: 1337
        seccompProfile:
          type: RuntimeDefault
      serviceAccountName: apusd
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints:
      - labelSelector:
          matchLabels:
            app: apusd
        maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
      - labelSelector:
          matchLabels:
            app: apusd
        maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: ScheduleAnyway
      volumes:
      - emptyDir:
          medium: Memory
          sizeLimit: 64Mi
        name: state
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  minAvailable: 0
  selector:
    matchLabels:
      app: apusd
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  labels:
    app: ztunnel
    app.kubernetes.io/name: ztunnel
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
spec:
  minReadySeconds: 5
  selector:
    matchLabels:
      app: ztunnel
  template:
    metadata:
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/port: "15020"
        prometheus.io/scrape: "true"
      labels:
        app: ztunnel
        app.kubernetes.io/name: ztunnel
        app.kubernetes.io/part-of: apus
        istio.io/dataplane-mode: none
        sidecar.istio.io/inject: "false"
    spec:
      automountServiceAccountToken: false
      containers:
      - env:
        - name: NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: INSTANCE_IP
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
        - name: SERVICE_ACCOUNT
          valueFrom:
            fieldRef:
              fieldPath: spec.serviceAccountName
        - name: XDS_ADDRESS
          value: https://apusd.apus-system.svc:15012
        - name: CA_ADDRESS
          value: https://apusd.apus-system.svc:15012
        - name: XDS_ROOT_CA
          value: /var/run/secrets/istio/root-cert.pem
        - name: CA_ROOT_CA
          value: /var/run/secrets/istio/root-cert.pem
        - name: AUTH_TOKEN
          value: /var/run/secrets/tokens/istio-token
        - name: APUS_SOCKET
          value: /run/apus/ztunnel.sock
        - name: APUS_CNI_CONF_DIR
          value: /host/etc/cni/net.d
        - name: APUS_CNI_BIN_DIR
          value: /host/opt/cni/bin
        - name: APUS_CNI_FAIL_OPEN_NAMESPACES
          value: kube-system,apus-system
        - name: APUS_PROC
          value: /host/proc
        - name: APUS_NODE_NETNS
          value: /host/proc/1/ns/net
        - name: CONNECTION_TERMINATION_DEADLINE
          value: 20s
        - name: TERMINATION_GRACE_PERIOD_SECONDS
          value: "3600"
        image: apus/ztunnel:0.1.0
        name: ztunnel
        ports:
        - containerPort: 15020
          name: http-monitoring
          protocol: TCP
        - containerPort: 15021
          name: readiness
          protocol: TCP
        readinessProbe:
          httpGet:
            path: /healthz/ready
            port: readiness
          periodSeconds: 5
          timeoutSeconds: 5
        resources:
          limits:
            memory: 2Gi
          requests:
            cpu: 10m
            memory: 64Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            add:
            - NET_ADMIN
            - SYS_ADMIN
            - SYS_PTRACE
            drop:
            - ALL
          privileged: false
          readOnlyRootFilesystem: true
          runAsGroup: 1337
          runAsNonRoot: false
          runAsUser: 0
        volumeMounts:
        - mountPath: /var/run/secrets/istio
          name: root-certificate
          readOnly: true
        - mountPath: /var/run/secrets/tokens
          name: token
          readOnly: true
        - mountPath: /run/apus
          name: run
        - mountPath: /run/netns
          mountPropagation: HostToContainer
          name: namespaces
          readOnly: true
        - mountPath: /host/proc
          name: processes
          readOnly: true
        - mountPath: /host/etc/cni/net.d
          name: cni-configuration
        - mountPath: /host/opt/cni/bin
          name: cni-programs
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: system-node-critical
      securityContext:
        seccompProfile:
          type: RuntimeDefault
      serviceAccountName: ztunnel
      terminationGracePeriodSeconds: 3600
      tolerations:
      - operator: Exists
      volumes:
      - configMap:
          name: istio-ca-root-cert
        name: root-certificate
      - name: token
        projected:
          sources:
          - serviceAccountToken:
              audience: istio-ca
              expirationSeconds: 43200
              path: istio-token
      - hostPath:
          path: /run/apus
          type: DirectoryOrCreate
        name: run
      - hostPath:
          path: /run/netns
          type: DirectoryOrCreate
        name: namespaces
      - hostPath:
          path: /proc
          type: Directory
        name: processes
      - hostPath:
          path: /etc/cni/net.d
          type: DirectoryOrCreate
        name: cni-configuration
      - hostPath:
          path: /opt/cni/bin
          type: DirectoryOrCreate
        name: cni-programs
  updateStrategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    type: RollingUpdate
---
apiVersion: scheduling.k8s.io/v1
description: The control plane of the mesh.
kind: PriorityClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-control-plane
value: 900000000

"""#
    static let monitoring = #"""
apiVersion: v1
kind: Namespace
metadata:
  labels:
    app.kubernetes.io/part-of: apus
    istio.io/dataplane-mode: none
    pod-security.kubernetes.io/enforce: privileged
  name: apus-system
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: trafficguards.apus.io
spec:
  group: apus.io
  names:
    kind: TrafficGuard
    listKind: TrafficGuardList
    plural: trafficguards
    singular: trafficguard
  scope: Namespaced
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        description: Limits and faults that a waypoint puts before services.
        properties:
          spec:
            properties:
              adaptiveConcurrency:
                description: Bounds of the number of requests under way, which follows
                  the time that answers take.
                type: object
                x-kubernetes-preserve-unknown-fields: true
              fault:
                description: Delays and refusals that are put in on purpose, in the
                  words of Istio's VirtualService.
                properties:
                  abort:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                  delay:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                type: object
                x-kubernetes-preserve-unknown-fields: true
              globalRateLimit:
                description: Questions to a service that speaks Envoy's rate limit
                  protocol. Without its answer requests are refused, unless failOpen
                  is true.
                type: object
                x-kubernetes-preserve-unknown-fields: true
              hedging:
                description: A request that is late goes to a second endpoint as well.
                properties:
                  after:
                    description: How late, such as 50ms.
                    type: string
                  maxAttempts:
                    maximum: 5
                    minimum: 2
                    type: integer
                  methods:
                    description: Methods of requests that may be sent twice.
                    items:
                      type: string
                    type: array
                required:
                - after
                type: object
                x-kubernetes-preserve-unknown-fields: true
              quarantine:
                description: Callers whose requests are refused.
                properties:
                  callers:
                    description: Identities, TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT.
                    items:
                      type: string
                    type: array
                type: object
                x-kubernetes-preserve-unknown-fields: true
              rateLimits:
                description: Limits that each waypoint counts by itself. A bucket
                  of tokens for each key; a request takes one, and is answered 429
                  when there is none.
                items:
                  properties:
                    fillInterval:
                      description: How often tokens are put in, such as 500ms; 1s
                        unless it is said.
                      type: string
                    key:
                      description: Who shares a bucket; everybody unless it is said.
                      properties:
                        header:
                          description: With the type Header, the name of the field
                            whose value is the key.
                          type: string
                        type:
                          enum:
                          - All
                          - Identity
                          - Header
                          type: string
                      required:
                      - type
                      type: object
                      x-kubernetes-preserve-unknown-fields: true
                    maxTokens:
                      description: What a full bucket holds.
                      format: int64
                      maximum: 4294967295
                      minimum: 1
                      type: integer
                    tokensPerFill:
                      description: What is put in each time; maxTokens unless it is
                        said.
                      format: int64
                      maximum: 4294967295
                      minimum: 1
                      type: integer
                  required:
                  - maxTokens
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                maxItems: 16
                type: array
              targetRefs:
                description: Services or ServiceEntries of this namespace.
                items:
                  properties:
                    group:
                      description: Empty for a Service, networking.istio.io for a
                        ServiceEntry.
                      type: string
                    kind:
                      description: Service unless it is said.
                      enum:
                      - Service
                      - ServiceEntry
                      type: string
                    name:
                      minLength: 1
                      type: string
                  required:
                  - name
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                maxItems: 16
                minItems: 1
                type: array
            required:
            - targetRefs
            type: object
            x-kubernetes-preserve-unknown-fields: true
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
        required:
        - spec
        type: object
    served: true
    storage: true
    subresources:
      status: {}
---
apiVersion: v1
automountServiceAccountToken: false
kind: ServiceAccount
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
---
apiVersion: v1
automountServiceAccountToken: false
kind: ServiceAccount
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-root
  namespace: apus-system
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - list
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
rules:
- apiGroups:
  - ""
  resourceNames:
  - apus-ca-secret
  - cacerts
  resources:
  - secrets
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - secrets
  verbs:
  - create
- apiGroups:
  - coordination.k8s.io
  resourceNames:
  - apusd
  resources:
  - leases
  verbs:
  - get
  - update
- apiGroups:
  - coordination.k8s.io
  resources:
  - leases
  verbs:
  - create
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-read
rules:
- apiGroups:
  - ""
  resources:
  - namespaces
  - nodes
  - pods
  - serviceaccounts
  - services
  verbs:
  - list
  - watch
- apiGroups:
  - ""
  resourceNames:
  - istio
  resources:
  - configmaps
  verbs:
  - list
  - watch
- apiGroups:
  - apiextensions.k8s.io
  resources:
  - customresourcedefinitions
  verbs:
  - list
  - watch
- apiGroups:
  - apus.io
  resources:
  - trafficguards
  verbs:
  - list
  - watch
- apiGroups:
  - discovery.k8s.io
  resources:
  - endpointslices
  verbs:
  - list
  - watch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways
  - grpcroutes
  - httproutes
  - referencegrants
  - tcproutes
  - tlsroutes
  verbs:
  - list
  - watch
- apiGroups:
  - networking.istio.io
  resources:
  - destinationrules
  - serviceentries
  - workloadentries
  verbs:
  - list
  - watch
- apiGroups:
  - networking.k8s.io
  resources:
  - networkpolicies
  verbs:
  - list
  - watch
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies
  - peerauthentications
  - requestauthentications
  verbs:
  - list
  - watch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-status
rules:
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - get
  - patch
- apiGroups:
  - ""
  resources:
  - services
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - services/status
  verbs:
  - patch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways
  - grpcroutes
  - httproutes
  - tcproutes
  - tlsroutes
  verbs:
  - get
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways/status
  - grpcroutes/status
  - httproutes/status
  - tcproutes/status
  - tlsroutes/status
  verbs:
  - patch
- apiGroups:
  - networking.istio.io
  resources:
  - serviceentries
  verbs:
  - get
- apiGroups:
  - networking.istio.io
  resources:
  - serviceentries/status
  verbs:
  - patch
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies
  verbs:
  - get
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies/status
  verbs:
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-trust
rules:
- apiGroups:
  - authentication.k8s.io
  resources:
  - tokenreviews
  verbs:
  - create
- apiGroups:
  - ""
  resourceNames:
  - istio-ca-root-cert
  resources:
  - configmaps
  verbs:
  - create
  - list
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-waypoints
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - serviceaccounts
  - services
  verbs:
  - create
  - get
  - patch
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - create
  - get
  - patch
- apiGroups:
  - autoscaling
  resources:
  - horizontalpodautoscalers
  verbs:
  - create
  - delete
  - get
  - patch
- apiGroups:
  - policy
  resources:
  - poddisruptionbudgets
  verbs:
  - create
  - delete
  - get
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-root
  namespace: apus-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: apusd-root
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: apusd
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-read
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-read
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-status
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-status
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-trust
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-trust
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-waypoints
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-waypoints
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: v1
data:
  control-plane.json: |
    {
     "uid": "apus-control-plane",
     "title": "Apus: control plane",
     "tags": [
      "apus"
     ],
     "schemaVersion": 38,
     "editable": true,
     "refresh": "30s",
     "time": {
      "from": "now-1h",
      "to": "now"
     },
     "templating": {
      "list": [
       {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": "Data source"
       }
      ]
     },
     "panels": [
      {
       "id": 1,
       "type": "timeseries",
       "title": "Connected nodes",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 0
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "short"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum(apusd_connected_nodes)",
         "legendFormat": "nodes"
        }
       ]
      },
      {
       "id": 2,
       "type": "timeseries",
       "title": "Open streams",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 0
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "short"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (api) (apusd_streams)",
         "legendFormat": "{{api}}"
        }
       ]
      },
      {
       "id": 3,
       "type": "timeseries",
       "title": "Responses sent",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 8
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "ops"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (type) (rate(apusd_pushes_total[5m]))",
         "legendFormat": "{{type}}"
        }
       ]
      },
      {
       "id": 4,
       "type": "timeseries",
       "title": "Bytes sent",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 8
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "Bps"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum(rate(apusd_push_bytes_total[5m]))",
         "legendFormat": "bytes"
        }
       ]
      },
      {
       "id": 5,
       "type": "timeseries",
       "title": "Time of a translation",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 16
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "s"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "max(apusd_last_translate_seconds)",
         "legendFormat": "translation"
        },
        {
         "refId": "B",
         "expr": "max(apusd_last_publish_seconds)",
         "legendFormat": "with publication"
        }
       ]
      },
      {
       "id": 6,
       "type": "timeseries",
       "title": "Translations",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 16
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "ops"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum(rate(apusd_translations_total[5m]))",
         "legendFormat": "translations"
        }
       ]
      },
      {
       "id": 7,
       "type": "timeseries",
       "title": "Certificates",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 24
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "ops"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (result) (rate(apusd_certificates_total[5m]))",
         "legendFormat": "{{result}}"
        }
       ]
      },
      {
       "id": 8,
       "type": "timeseries",
       "title": "Refusals",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 24
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "ops"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum(rate(apusd_nacks_total[5m]))",
         "legendFormat": "responses"
        },
        {
         "refId": "B",
         "expr": "sum(rate(apusd_authentication_failures_total[5m]))",
         "legendFormat": "callers"
        },
        {
         "refId": "C",
         "expr": "sum(rate(apusd_connections_refused_total[5m]))",
         "legendFormat": "connections"
        }
       ]
      },
      {
       "id": 9,
       "type": "timeseries",
       "title": "Resources",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 32
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "short"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "max(apusd_resources)",
         "legendFormat": "read"
        },
        {
         "refId": "B",
         "expr": "max by (kind) (apusd_served)",
         "legendFormat": "{{kind}}"
        }
       ]
      },
      {
       "id": 10,
       "type": "timeseries",
       "title": "Findings",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 32
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "short"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "max by (severity) (apusd_findings)",
         "legendFormat": "{{severity}}"
        }
       ]
      },
      {
       "id": 11,
       "type": "timeseries",
       "title": "Proven pods",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 40
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "short"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum(apusd_proven_pods)",
         "legendFormat": "pods"
        }
       ]
      },
      {
       "id": 12,
       "type": "timeseries",
       "title": "Signing certificate",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 40
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "s"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "min(apusd_signer_not_after_seconds) - time()",
         "legendFormat": "left"
        }
       ]
      }
     ]
    }
  nodes.json: |
    {
     "uid": "apus-nodes",
     "title": "Apus: nodes",
     "tags": [
      "apus"
     ],
     "schemaVersion": 38,
     "editable": true,
     "refresh": "30s",
     "time": {
      "from": "now-1h",
      "to": "now"
     },
     "templating": {
      "list": [
       {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": "Data source"
       }
      ]
     },
     "panels": [
      {
       "id": 1,
       "type": "timeseries",
       "title": "Open sockets",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 0
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "short"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (instance, reporter) (istio_tcp_sockets_open)",
         "legendFormat": "{{instance}} {{reporter}}"
        }
       ]
      },
      {
       "id": 2,
       "type": "timeseries",
       "title": "New connections",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 0
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "cps"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (instance) (rate(istio_tcp_connections_opened_total[5m]))",
         "legendFormat": "{{instance}}"
        }
       ]
      },
      {
       "id": 3,
       "type": "timeseries",
       "title": "Processor time",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 8
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "percentunit"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "rate(process_cpu_seconds_total{job=~\"ztunnel|apusd\"}[5m])",
         "legendFormat": "{{instance}}"
        }
       ]
      },
      {
       "id": 4,
       "type": "timeseries",
       "title": "Memory",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 8
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "bytes"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "process_resident_memory_bytes{job=~\"ztunnel|apusd\"}",
         "legendFormat": "{{instance}}"
        }
       ]
      },
      {
       "id": 5,
       "type": "timeseries",
       "title": "Open descriptors",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 16
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "short"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "process_open_fds{job=~\"ztunnel|apusd\"}",
         "legendFormat": "{{instance}}"
        }
       ]
      },
      {
       "id": 6,
       "type": "timeseries",
       "title": "Discovery streams that ended",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 16
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "ops"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (instance, reason) (rate(istio_xds_connection_terminations_total[5m]))",
         "legendFormat": "{{instance}} {{reason}}"
        }
       ]
      },
      {
       "id": 7,
       "type": "timeseries",
       "title": "Discovery messages",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 24
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "ops"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (instance, url) (rate(istio_xds_message_total[5m]))",
         "legendFormat": "{{instance}} {{url}}"
        }
       ]
      },
      {
       "id": 8,
       "type": "timeseries",
       "title": "Handshakes refused",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 24
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "ops"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (instance, limit) (rate(apus_tls_handshakes_refused_total[5m]))",
         "legendFormat": "{{instance}} {{limit}}"
        }
       ]
      },
      {
       "id": 9,
       "type": "timeseries",
       "title": "Log lines dropped",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 32
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "ops"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (instance) (rate(apus_access_log_dropped_total[5m]))",
         "legendFormat": "{{instance}}"
        }
       ]
      },
      {
       "id": 10,
       "type": "timeseries",
       "title": "Versions",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 32
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "short"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "count by (component, tag) (istio_build)",
         "legendFormat": "{{component}} {{tag}}"
        }
       ]
      }
     ]
    }
  traffic.json: |
    {
     "uid": "apus-traffic",
     "title": "Apus: traffic",
     "tags": [
      "apus"
     ],
     "schemaVersion": 38,
     "editable": true,
     "refresh": "30s",
     "time": {
      "from": "now-1h",
      "to": "now"
     },
     "templating": {
      "list": [
       {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": "Data source"
       }
      ]
     },
     "panels": [
      {
       "id": 1,
       "type": "timeseries",
       "title": "Requests by service",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 0
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "reqps"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (destination_service) (rate(istio_requests_total{reporter=\"waypoint\"}[5m]))",
         "legendFormat": "{{destination_service}}"
        }
       ]
      },
      {
       "id": 2,
       "type": "timeseries",
       "title": "Requests by answer",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 0
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "reqps"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (response_code) (rate(istio_requests_total{reporter=\"waypoint\"}[5m]))",
         "legendFormat": "{{response_code}}"
        }
       ]
      },
      {
       "id": 3,
       "type": "timeseries",
       "title": "Duration of requests",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 8
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "ms"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "histogram_quantile(0.5, sum by (le) (rate(istio_request_duration_milliseconds_bucket{reporter=\"waypoint\"}[5m])))",
         "legendFormat": "p50"
        },
        {
         "refId": "B",
         "expr": "histogram_quantile(0.9, sum by (le) (rate(istio_request_duration_milliseconds_bucket{reporter=\"waypoint\"}[5m])))",
         "legendFormat": "p90"
        },
        {
         "refId": "C",
         "expr": "histogram_quantile(0.99, sum by (le) (rate(istio_request_duration_milliseconds_bucket{reporter=\"waypoint\"}[5m])))",
         "legendFormat": "p99"
        }
       ]
      },
      {
       "id": 4,
       "type": "timeseries",
       "title": "Refused requests",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 8
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "reqps"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (destination_service) (rate(istio_requests_total{reporter=\"waypoint\",response_code=\"403\"}[5m]))",
         "legendFormat": "{{destination_service}}"
        }
       ]
      },
      {
       "id": 5,
       "type": "timeseries",
       "title": "Sizes of requests and answers",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 16
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "bytes"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "histogram_quantile(0.9, sum by (le) (rate(istio_request_bytes_bucket{reporter=\"waypoint\"}[5m])))",
         "legendFormat": "requests, p90"
        },
        {
         "refId": "B",
         "expr": "histogram_quantile(0.9, sum by (le) (rate(istio_response_bytes_bucket{reporter=\"waypoint\"}[5m])))",
         "legendFormat": "answers, p90"
        }
       ]
      },
      {
       "id": 6,
       "type": "timeseries",
       "title": "gRPC messages",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 16
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "ops"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum(rate(istio_request_messages_total[5m]))",
         "legendFormat": "to servers"
        },
        {
         "refId": "B",
         "expr": "sum(rate(istio_response_messages_total[5m]))",
         "legendFormat": "to clients"
        }
       ]
      },
      {
       "id": 7,
       "type": "timeseries",
       "title": "New connections",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 24
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "cps"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (destination_service) (rate(istio_tcp_connections_opened_total{reporter=\"destination\"}[5m]))",
         "legendFormat": "{{destination_service}}"
        }
       ]
      },
      {
       "id": 8,
       "type": "timeseries",
       "title": "Failed connections",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 24
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "cps"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (response_flags) (rate(istio_tcp_connections_failed_total[5m]))",
         "legendFormat": "{{response_flags}}"
        }
       ]
      },
      {
       "id": 9,
       "type": "timeseries",
       "title": "Bytes of connections",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 32
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "Bps"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum(rate(istio_tcp_received_bytes_total{reporter=\"source\"}[5m]))",
         "legendFormat": "from callers"
        },
        {
         "refId": "B",
         "expr": "sum(rate(istio_tcp_sent_bytes_total{reporter=\"source\"}[5m]))",
         "legendFormat": "to callers"
        }
       ]
      },
      {
       "id": 10,
       "type": "timeseries",
       "title": "Connections without mutual TLS",
       "gridPos": {
        "h": 8,
        "w": 12,
        "x": 12,
        "y": 32
       },
       "datasource": {
        "type": "prometheus",
        "uid": "${datasource}"
       },
       "fieldConfig": {
        "defaults": {
         "unit": "cps"
        },
        "overrides": []
       },
       "targets": [
        {
         "refId": "A",
         "expr": "sum by (source_workload, destination_workload) (rate(istio_tcp_connections_opened_total{connection_security_policy!=\"mutual_tls\"}[5m]))",
         "legendFormat": "{{source_workload}} to {{destination_workload}}"
        }
       ]
      }
     ]
    }
kind: ConfigMap
metadata:
  labels:
    app.kubernetes.io/part-of: apus
    grafana_dashboard: "1"
  name: apus-boards
  namespace: apus-system
---
apiVersion: v1
kind: Service
metadata:
  labels:
    app: apusd
    app.kubernetes.io/name: apusd
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  ports:
  - name: grpc-xds
    port: 15012
    protocol: TCP
    targetPort: grpc-xds
  - name: http-monitoring
    port: 15014
    protocol: TCP
    targetPort: http-monitoring
  selector:
    app: apusd
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: apusd
    app.kubernetes.io/name: apusd
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  replicas: 2
  selector:
    matchLabels:
      app: apusd
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    type: RollingUpdate
  template:
    metadata:
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/port: "15014"
        prometheus.io/scrape: "true"
      labels:
        app: apusd
        app.kubernetes.io/name: apusd
        app.kubernetes.io/part-of: apus
        istio.io/dataplane-mode: none
        sidecar.istio.io/inject: "false"
    spec:
      automountServiceAccountToken: true
      containers:
      - args:
        - --kubernetes
        - --state=/var/lib/apus/state
        - --listen=0.0.0.0:15012
        - --admin=0.0.0.0:15014
        - --trust-domain=cluster.local
        - --root-namespace=apus-system
        - --server-name=apusd.apus-system.svc
        - --trusted-node-account=apus-system/ztunnel
        - --waypoint-image=apus/waypoint:0.1.0
        - --waypoint-control-plane=https://apusd.apus-system.svc:15012
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        image: apus/apusd:0.1.0
        livenessProbe:
          failureThreshold: 6
          httpGet:
            path: /
            port: http-monitoring
          initialDelaySeconds: 30
          periodSeconds: 10
          timeoutSeconds: 5
        name: apusd
        ports:
        - containerPort: 15012
          name: grpc-xds
          protocol: TCP
        - containerPort: 15014
          name: http-monitoring
          protocol: TCP
        readinessProbe:
          httpGet:
            path: /healthz/ready
            port: http-monitoring
          periodSeconds: 5
          timeoutSeconds: 5
        resources:
          limits:
            memory: 2Gi
          requests:
            cpu: 100m
            memory: 256Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop:
            - ALL
          readOnlyRootFilesystem: true
        volumeMounts:
        - mountPath: /var/lib/apus
          name: state
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: apus-control-plane
      securityContext:
        fsGroup: 1337
        runAsGroup: 1337
        runAsNonRoot: true
        runAsUser: 1337
        seccompProfile:
          type: RuntimeDefault
      serviceAccountName: apusd
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints:
      - labelSelector:
          matchLabels:
            app: apusd
        maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
      - labelSelector:
          matchLabels:
            app: apusd
        maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: ScheduleAnyway
      volumes:
      - emptyDir:
          medium: Memory
          sizeLimit: 64Mi
        name: state
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app: apusd
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  labels:
    app: ztunnel
    app.kubernetes.io/name: ztunnel
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
spec:
  minReadySeconds: 5
  selector:
    matchLabels:
      app: ztunnel
  template:
    metadata:
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/port: "15020"
        prometheus.io/scrape: "true"
      labels:
        app: ztunnel
        app.kubernetes.io/name: ztunnel
        app.kubernetes.io/part-of: apus
        istio.io/dataplane-mode: none
        sidecar.istio.io/inject: "false"
    spec:
      automountServiceAccountToken: false
      containers:
      - env:
        - name: NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: INSTANCE_IP
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
        - name: SERVICE_ACCOUNT
          valueFrom:
            fieldRef:
              fieldPath: spec.serviceAccountName
        - name: XDS_ADDRESS
          value: https://apusd.apus-system.svc:15012
        - name: CA_ADDRESS
          value: https://apusd.apus-system.svc:15012
        - name: XDS_ROOT_CA
          value: /var/run/secrets/istio/root-cert.pem
        - name: CA_ROOT_CA
          value: /var/run/secrets/istio/root-cert.pem
        - name: AUTH_TOKEN
          value: /var/run/secrets/tokens/istio-token
        - name: APUS_SOCKET
          value: /run/apus/ztunnel.sock
        - name: APUS_CNI_CONF_DIR
          value: /host/etc/cni/net.d
        - name: APUS_CNI_BIN_DIR
          value: /host/opt/cni/bin
        - name: APUS_CNI_FAIL_OPEN_NAMESPACES
          value: kube-system,apus-system
        - name: APUS_PROC
          value: /host/proc
        - name: APUS_NODE_NETNS
          value: /host/proc/1/ns/net
        - name: CONNECTION_TERMINATION_DEADLINE
          value: 20s
        - name: TERMINATION_GRACE_PERIOD_SECONDS
          value: "3600"
        image: apus/ztunnel:0.1.0
        name: ztunnel
        ports:
        - containerPort: 15020
          name: http-monitoring
          protocol: TCP
        - containerPort: 15021
          name: readiness
          protocol: TCP
        readinessProbe:
          httpGet:
            path: /healthz/ready
            port: readiness
          periodSeconds: 5
          timeoutSeconds: 5
        resources:
          limits:
            memory: 2Gi
          requests:
            cpu: 100m
            memory: 128Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            add:
            - NET_ADMIN
            - SYS_ADMIN
            - SYS_PTRACE
            drop:
            - ALL
          privileged: false
          readOnlyRootFilesystem: true
          runAsGroup: 1337
          runAsNonRoot: false
          runAsUser: 0
        volumeMounts:
        - mountPath: /var/run/secrets/istio
          name: root-certificate
          readOnly: true
        - mountPath: /var/run/secrets/tokens
          name: token
          readOnly: true
        - mountPath: /run/apus
          name: run
        - mountPath: /run/netns
          mountPropagation: HostToContainer
          name: namespaces
          readOnly: true
        - mountPath: /host/proc
          name: processes
          readOnly: true
        - mountPath: /host/etc/cni/net.d
          name: cni-configuration
        - mountPath: /host/opt/cni/bin
          name: cni-programs
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: system-node-critical
      securityContext:
        seccompProfile:
          type: RuntimeDefault
      serviceAccountName: ztunnel
      terminationGracePeriodSeconds: 3600
      tolerations:
      - operator: Exists
      volumes:
      - configMap:
          name: istio-ca-root-cert
        name: root-certificate
      - name: token
        projected:
          sources:
          - serviceAccountToken:
              audience: istio-ca
              expirationSeconds: 43200
              path: istio-token
      - hostPath:
          path: /run/apus
          type: DirectoryOrCreate
        name: run
      - hostPath:
          path: /run/netns
          type: DirectoryOrCreate
        name: namespaces
      - hostPath:
          path: /proc
          type: Directory
        name: processes
      - hostPath:
          path: /etc/cni/net.d
          type: DirectoryOrCreate
        name: cni-configuration
      - hostPath:
          path: /opt/cni/bin
          type: DirectoryOrCreate
        name: cni-programs
  updateStrategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    type: RollingUpdate
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-waypoint
spec:
  controllerName: istio.io/mesh-controller
  description: A waypoint of the mesh, for services or workloads of a namespace.
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: istio-waypoint
spec:
  controllerName: istio.io/mesh-controller
  description: A waypoint of the mesh, for services or workloads of a namespace.
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: waypoints
  namespace: apus-system
spec:
  namespaceSelector:
    any: true
  podMetricsEndpoints:
  - interval: 15s
    path: /metrics
    targetPort: 15020
  selector:
    matchLabels:
      gateway.istio.io/managed: istio.io-mesh-controller
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
spec:
  jobLabel: app.kubernetes.io/name
  namespaceSelector:
    matchNames:
    - apus-system
  podMetricsEndpoints:
  - interval: 15s
    path: /metrics
    port: http-monitoring
  selector:
    matchLabels:
      app: ztunnel
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus
  namespace: apus-system
spec:
  groups:
  - name: apus.records
    rules:
    - expr: sum by (destination_service, response_code) (rate(istio_requests_total{reporter="waypoint"}[5m]))
      record: service:istio_requests:rate5m
    - expr: histogram_quantile(0.99, sum by (destination_service, le) (rate(istio_request_duration_milliseconds_bucket{reporter="waypoint"}[5m])))
      record: service:istio_request_duration_milliseconds:p99
  - name: apus.control-plane
    rules:
    - alert: ApusControlPlaneDown
      annotations:
        description: Pods keep what they know; new pods get no certificate, changed
          policies are not told.
        summary: No apusd is scraped.
      expr: absent(apusd_resources)
      for: 2m
      labels:
        severity: critical
    - alert: ApusNodesNotConnected
      annotations:
        description: They go on with what they know. See the log of ztunnel, and istio_xds_connection_terminations_total.
        summary: '{{ $value }} node daemons run and fewer are connected to apusd.'
      expr: count(istio_build{component="ztunnel"}) > sum(apusd_connected_nodes)
      for: 5m
      labels:
        severity: warning
    - alert: ApusSignerExpires
      annotations:
        description: 'No certificate outlives its signer: replace it in time.'
        summary: The signing certificate expires in {{ $value | humanizeDuration }}.
      expr: min(apusd_signer_not_after_seconds) - time() < 30 * 86400
      for: 1h
      labels:
        severity: warning
    - alert: ApusCertificatesRefused
      annotations:
        description: Somebody asks for an identity that is not its own, or a node
          for pods that it does not have. See the log of apusd.
        summary: apusd refuses certificates.
      expr: sum(rate(apusd_certificates_total{result="refused"}[10m])) > 0
      for: 10m
      labels:
        severity: warning
    - alert: ApusCallersUnknown
      annotations:
        description: 'See the log of apusd: a token that is not renewed, or somebody
          who is not ours.'
        summary: Callers without a good token.
      expr: sum(rate(apusd_authentication_failures_total[10m])) > 0.1
      for: 10m
      labels:
        severity: warning
    - alert: ApusResponsesRefused
      annotations:
        description: A proxy that is older than the control plane, or a defect. The
          rest is in force.
        summary: Proxies refuse a part of what apusd sends.
      expr: sum(increase(apusd_nacks_total[10m])) > 0
      for: 10m
      labels:
        severity: warning
    - alert: ApusPodReportsRefused
      annotations:
        description: See the log of apusd.
        summary: A node reports pods that are not its own.
      expr: sum(rate(apusd_pod_reports_total{result="refused"}[10m])) > 0
      for: 10m
      labels:
        severity: warning
    - alert: ApusResourcesBroken
      annotations:
        description: What cannot be understood in a policy refuses; /debug/findings
          of apusd names each.
        summary: '{{ $value }} resources have errors.'
      expr: max(apusd_findings{severity="error"}) > 0
      for: 15m
      labels:
        severity: warning
  - name: apus.nodes
    rules:
    - alert: ApusDiscoveryLost
      annotations:
        description: Connections go on; changes come late.
        summary: '{{ $labels.instance }} loses its control plane again and again.'
      expr: sum by (instance) (increase(istio_xds_connection_terminations_total{reason!="Reconnect"}[15m]))
        > 10
      for: 15m
      labels:
        severity: warning
    - alert: ApusConnectionsFailing
      annotations:
        description: 'The label response_flags says how: CONNECT, DENY or another.'
        summary: '{{ $value | humanizePercentage }} of the connections at {{ $labels.instance
          }} fail.'
      expr: sum by (instance) (rate(istio_tcp_connections_failed_total[5m])) / sum
        by (instance) (rate(istio_tcp_connections_opened_total[5m])) > 0.05
      for: 10m
      labels:
        severity: warning
    - alert: ApusHandshakesRefused
      annotations:
        description: 'Too many were under way at once: a flood of new connections,
          or too little processor time.'
        summary: '{{ $labels.instance }} refuses handshakes.'
      expr: sum by (instance) (rate(apus_tls_handshakes_refused_total[5m])) > 0
      for: 10m
      labels:
        severity: warning
    - alert: ApusDescriptorsLow
      annotations:
        description: Raise the limit of the runtime (LimitNOFILE).
        summary: '{{ $labels.instance }} has used {{ $value | humanizePercentage }}
          of its descriptors.'
      expr: process_open_fds{job=~"ztunnel|apusd"} / process_max_fds > 0.8
      for: 10m
      labels:
        severity: warning
    - alert: ApusLogLinesDropped
      annotations:
        description: Who reads its output is slow. Connections are not held up; the
          counters are right.
        summary: '{{ $labels.instance }} drops lines of its log.'
      expr: sum by (instance) (rate(apus_access_log_dropped_total[10m])) > 0
      for: 10m
      labels:
        severity: info
    - alert: ApusSeriesOverflow
      annotations:
        description: There are more pairs of workloads than series that one daemon
          keeps.
        summary: '{{ $labels.instance }} counts connections under other.'
      expr: sum by (instance) (rate(apus_metrics_label_overflows_total[10m])) > 0
      for: 10m
      labels:
        severity: info
    - alert: ApusRecordDefect
      annotations:
        description: 'A defect of ours: please report it with the log.'
        summary: '{{ $labels.instance }} lost count of a connection.'
      expr: sum by (instance) (increase(apus_connection_records_finished_twice_total[1h])
        + increase(apus_connection_records_unfinished_total[1h])) > 0
      labels:
        severity: info
  - name: apus.requests
    rules:
    - alert: ApusRequestsFailing
      annotations:
        description: The label response_flags says where; apus explain says by which
          rule.
        summary: '{{ $value | humanizePercentage }} of the requests to {{ $labels.destination_service
          }} fail.'
      expr: sum by (destination_service) (rate(istio_requests_total{reporter="waypoint",response_code=~"5.."}[5m]))
        / sum by (destination_service) (rate(istio_requests_total{reporter="waypoint"}[5m]))
        > 0.05
      for: 10m
      labels:
        severity: warning
    - alert: ApusSpansLost
      annotations:
        description: The collector does not take them, or not fast enough.
        summary: '{{ $labels.instance }} loses spans.'
      expr: sum by (instance) (rate(apus_spans_failed_total[10m]) + rate(apus_spans_dropped_total[10m]))
        > 0
      for: 15m
      labels:
        severity: info
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  endpoints:
  - interval: 15s
    path: /metrics
    port: http-monitoring
  jobLabel: app.kubernetes.io/name
  namespaceSelector:
    matchNames:
    - apus-system
  selector:
    matchLabels:
      app: apusd
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  ingress:
  - ports:
    - port: 15012
      protocol: TCP
  - from:
    - namespaceSelector:
        matchLabels:
          apus.io/monitoring: "true"
    ports:
    - port: 15014
      protocol: TCP
  podSelector:
    matchLabels:
      app: apusd
  policyTypes:
  - Ingress
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: default-deny
  namespace: apus-system
spec:
  podSelector: {}
  policyTypes:
  - Ingress
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
spec:
  egress:
  - ports:
    - port: 15012
      protocol: TCP
    to:
    - podSelector:
        matchLabels:
          app: apusd
  - ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          apus.io/monitoring: "true"
    ports:
    - port: 15020
      protocol: TCP
  podSelector:
    matchLabels:
      app: ztunnel
  policyTypes:
  - Ingress
  - Egress
---
apiVersion: scheduling.k8s.io/v1
description: The control plane of the mesh.
kind: PriorityClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-control-plane
value: 900000000

"""#
    static let istioCNI = #"""
apiVersion: v1
kind: Namespace
metadata:
  labels:
    app.kubernetes.io/part-of: apus
    istio.io/dataplane-mode: none
    pod-security.kubernetes.io/enforce: privileged
  name: apus-system
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: trafficguards.apus.io
spec:
  group: apus.io
  names:
    kind: TrafficGuard
    listKind: TrafficGuardList
    plural: trafficguards
    singular: trafficguard
  scope: Namespaced
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        description: Limits and faults that a waypoint puts before services.
        properties:
          spec:
            properties:
              adaptiveConcurrency:
                description: Bounds of the number of requests under way, which follows
                  the time that answers take.
                type: object
                x-kubernetes-preserve-unknown-fields: true
              fault:
                description: Delays and refusals that are put in on purpose, in the
                  words of Istio's VirtualService.
                properties:
                  abort:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                  delay:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                type: object
                x-kubernetes-preserve-unknown-fields: true
              globalRateLimit:
                description: Questions to a service that speaks Envoy's rate limit
                  protocol. Without its answer requests are refused, unless failOpen
                  is true.
                type: object
                x-kubernetes-preserve-unknown-fields: true
              hedging:
                description: A request that is late goes to a second endpoint as well.
                properties:
                  after:
                    description: How late, such as 50ms.
                    type: string
                  maxAttempts:
                    maximum: 5
                    minimum: 2
                    type: integer
                  methods:
                    description: Methods of requests that may be sent twice.
                    items:
                      type: string
                    type: array
                required:
                - after
                type: object
                x-kubernetes-preserve-unknown-fields: true
              quarantine:
                description: Callers whose requests are refused.
                properties:
                  callers:
                    description: Identities, TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT.
                    items:
                      type: string
                    type: array
                type: object
                x-kubernetes-preserve-unknown-fields: true
              rateLimits:
                description: Limits that each waypoint counts by itself. A bucket
                  of tokens for each key; a request takes one, and is answered 429
                  when there is none.
                items:
                  properties:
                    fillInterval:
                      description: How often tokens are put in, such as 500ms; 1s
                        unless it is said.
                      type: string
                    key:
                      description: Who shares a bucket; everybody unless it is said.
                      properties:
                        header:
                          description: With the type Header, the name of the field
                            whose value is the key.
                          type: string
                        type:
                          enum:
                          - All
                          - Identity
                          - Header
                          type: string
                      required:
                      - type
                      type: object
                      x-kubernetes-preserve-unknown-fields: true
                    maxTokens:
                      description: What a full bucket holds.
                      format: int64
                      maximum: 4294967295
                      minimum: 1
                      type: integer
                    tokensPerFill:
                      description: What is put in each time; maxTokens unless it is
                        said.
                      format: int64
                      maximum: 4294967295
                      minimum: 1
                      type: integer
                  required:
                  - maxTokens
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                maxItems: 16
                type: array
              targetRefs:
                description: Services or ServiceEntries of this namespace.
                items:
                  properties:
                    group:
                      description: Empty for a Service, networking.istio.io for a
                        ServiceEntry.
                      type: string
                    kind:
                      description: Service unless it is said.
                      enum:
                      - Service
                      - ServiceEntry
                      type: string
                    name:
                      minLength: 1
                      type: string
                  required:
                  - name
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                maxItems: 16
                minItems: 1
                type: array
            required:
            - targetRefs
            type: object
            x-kubernetes-preserve-unknown-fields: true
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
        required:
        - spec
        type: object
    served: true
    storage: true
    subresources:
      status: {}
---
apiVersion: v1
automountServiceAccountToken: false
kind: ServiceAccount
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
---
apiVersion: v1
automountServiceAccountToken: false
kind: ServiceAccount
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-root
  namespace: apus-system
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - list
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
rules:
- apiGroups:
  - ""
  resourceNames:
  - apus-ca-secret
  - cacerts
  resources:
  - secrets
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - secrets
  verbs:
  - create
- apiGroups:
  - coordination.k8s.io
  resourceNames:
  - apusd
  resources:
  - leases
  verbs:
  - get
  - update
- apiGroups:
  - coordination.k8s.io
  resources:
  - leases
  verbs:
  - create
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-read
rules:
- apiGroups:
  - ""
  resources:
  - namespaces
  - nodes
  - pods
  - serviceaccounts
  - services
  verbs:
  - list
  - watch
- apiGroups:
  - ""
  resourceNames:
  - istio
  resources:
  - configmaps
  verbs:
  - list
  - watch
- apiGroups:
  - apiextensions.k8s.io
  resources:
  - customresourcedefinitions
  verbs:
  - list
  - watch
- apiGroups:
  - apus.io
  resources:
  - trafficguards
  verbs:
  - list
  - watch
- apiGroups:
  - discovery.k8s.io
  resources:
  - endpointslices
  verbs:
  - list
  - watch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways
  - grpcroutes
  - httproutes
  - referencegrants
  - tcproutes
  - tlsroutes
  verbs:
  - list
  - watch
- apiGroups:
  - networking.istio.io
  resources:
  - destinationrules
  - serviceentries
  - workloadentries
  verbs:
  - list
  - watch
- apiGroups:
  - networking.k8s.io
  resources:
  - networkpolicies
  verbs:
  - list
  - watch
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies
  - peerauthentications
  - requestauthentications
  verbs:
  - list
  - watch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-status
rules:
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - get
  - patch
- apiGroups:
  - ""
  resources:
  - services
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - services/status
  verbs:
  - patch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways
  - grpcroutes
  - httproutes
  - tcproutes
  - tlsroutes
  verbs:
  - get
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways/status
  - grpcroutes/status
  - httproutes/status
  - tcproutes/status
  - tlsroutes/status
  verbs:
  - patch
- apiGroups:
  - networking.istio.io
  resources:
  - serviceentries
  verbs:
  - get
- apiGroups:
  - networking.istio.io
  resources:
  - serviceentries/status
  verbs:
  - patch
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies
  verbs:
  - get
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies/status
  verbs:
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-trust
rules:
- apiGroups:
  - authentication.k8s.io
  resources:
  - tokenreviews
  verbs:
  - create
- apiGroups:
  - ""
  resourceNames:
  - istio-ca-root-cert
  resources:
  - configmaps
  verbs:
  - create
  - list
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-waypoints
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - serviceaccounts
  - services
  verbs:
  - create
  - get
  - patch
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - create
  - get
  - patch
- apiGroups:
  - autoscaling
  resources:
  - horizontalpodautoscalers
  verbs:
  - create
  - delete
  - get
  - patch
- apiGroups:
  - policy
  resources:
  - poddisruptionbudgets
  verbs:
  - create
  - delete
  - get
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-root
  namespace: apus-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: apusd-root
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: apusd
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-read
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-read
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-status
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-status
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-trust
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-trust
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-waypoints
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-waypoints
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: v1
kind: Service
metadata:
  labels:
    app: apusd
    app.kubernetes.io/name: apusd
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  ports:
  - name: grpc-xds
    port: 15012
    protocol: TCP
    targetPort: grpc-xds
  - name: http-monitoring
    port: 15014
    protocol: TCP
    targetPort: http-monitoring
  selector:
    app: apusd
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: apusd
    app.kubernetes.io/name: apusd
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  replicas: 2
  selector:
    matchLabels:
      app: apusd
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    type: RollingUpdate
  template:
    metadata:
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/port: "15014"
        prometheus.io/scrape: "true"
      labels:
        app: apusd
        app.kubernetes.io/name: apusd
        app.kubernetes.io/part-of: apus
        istio.io/dataplane-mode: none
        sidecar.istio.io/inject: "false"
    spec:
      automountServiceAccountToken: true
      containers:
      - args:
        - --kubernetes
        - --state=/var/lib/apus/state
        - --listen=0.0.0.0:15012
        - --admin=0.0.0.0:15014
        - --trust-domain=cluster.local
        - --root-namespace=apus-system
        - --server-name=apusd.apus-system.svc
        - --trusted-node-account=apus-system/ztunnel
        - --waypoint-image=apus/waypoint:0.1.0
        - --waypoint-control-plane=https://apusd.apus-system.svc:15012
        - --trust-redirection-annotation
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        image: apus/apusd:0.1.0
        livenessProbe:
          failureThreshold: 6
          httpGet:
            path: /
            port: http-monitoring
          initialDelaySeconds: 30
          periodSeconds: 10
          timeoutSeconds: 5
        name: apusd
        ports:
        - containerPort: 15012
          name: grpc-xds
          protocol: TCP
        - containerPort: 15014
          name: http-monitoring
          protocol: TCP
        readinessProbe:
          httpGet:
            path: /healthz/ready
            port: http-monitoring
          periodSeconds: 5
          timeoutSeconds: 5
        resources:
          limits:
            memory: 2Gi
          requests:
            cpu: 100m
            memory: 256Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop:
            - ALL
          readOnlyRootFilesystem: true
        volumeMounts:
        - mountPath: /var/lib/apus
          name: state
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: apus-control-plane
      securityContext:
        fsGroup: 1337
        runAsGroup: 1337
        runAsNonRoot: true
        runAsUser: 1337
        seccompProfile:
          type: RuntimeDefault
      serviceAccountName: apusd
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints:
      - labelSelector:
          matchLabels:
            app: apusd
        maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
      - labelSelector:
          matchLabels:
            app: apusd
        maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: ScheduleAnyway
      volumes:
      - emptyDir:
          medium: Memory
          sizeLimit: 64Mi
        name: state
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app: apusd
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  labels:
    app: ztunnel
    app.kubernetes.io/name: ztunnel
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
spec:
  minReadySeconds: 5
  selector:
    matchLabels:
      app: ztunnel
  template:
    metadata:
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/port: "15020"
        prometheus.io/scrape: "true"
      labels:
        app: ztunnel
        app.kubernetes.io/name: ztunnel
        app.kubernetes.io/part-of: apus
        istio.io/dataplane-mode: none
        sidecar.istio.io/inject: "false"
    spec:
      automountServiceAccountToken: false
      containers:
      - env:
        - name: NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: INSTANCE_IP
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
        - name: SERVICE_ACCOUNT
          valueFrom:
            fieldRef:
              fieldPath: spec.serviceAccountName
        - name: XDS_ADDRESS
          value: https://apusd.apus-system.svc:15012
        - name: CA_ADDRESS
          value: https://apusd.apus-system.svc:15012
        - name: XDS_ROOT_CA
          value: /var/run/secrets/istio/root-cert.pem
        - name: CA_ROOT_CA
          value: /var/run/secrets/istio/root-cert.pem
        - name: AUTH_TOKEN
          value: /var/run/secrets/tokens/istio-token
        - name: APUS_SOCKET
          value: /run/apus/ztunnel.sock
        - name: CONNECTION_TERMINATION_DEADLINE
          value: 20s
        - name: TERMINATION_GRACE_PERIOD_SECONDS
          value: "3600"
        image: apus/ztunnel:0.1.0
        name: ztunnel
        ports:
        - containerPort: 15020
          name: http-monitoring
          protocol: TCP
        - containerPort: 15021
          name: readiness
          protocol: TCP
        readinessProbe:
          httpGet:
            path: /healthz/ready
            port: readiness
          periodSeconds: 5
          timeoutSeconds: 5
        resources:
          limits:
            memory: 2Gi
          requests:
            cpu: 100m
            memory: 128Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            add:
            - NET_ADMIN
            - SYS_ADMIN
            drop:
            - ALL
          privileged: false
          readOnlyRootFilesystem: true
          runAsGroup: 1337
          runAsNonRoot: false
          runAsUser: 0
        volumeMounts:
        - mountPath: /var/run/ztunnel
          name: agent
        - mountPath: /var/run/secrets/istio
          name: root-certificate
          readOnly: true
        - mountPath: /var/run/secrets/tokens
          name: token
          readOnly: true
        - mountPath: /run/apus
          name: run
        - mountPath: /run/netns
          mountPropagation: HostToContainer
          name: namespaces
          readOnly: true
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: system-node-critical
      securityContext:
        seccompProfile:
          type: RuntimeDefault
      serviceAccountName: ztunnel
      terminationGracePeriodSeconds: 3600
      tolerations:
      - operator: Exists
      volumes:
      - hostPath:
          path: /var/run/ztunnel
          type: DirectoryOrCreate
        name: agent
      - configMap:
          name: istio-ca-root-cert
        name: root-certificate
      - name: token
        projected:
          sources:
          - serviceAccountToken:
              audience: istio-ca
              expirationSeconds: 43200
              path: istio-token
      - hostPath:
          path: /run/apus
          type: DirectoryOrCreate
        name: run
      - hostPath:
          path: /run/netns
          type: DirectoryOrCreate
        name: namespaces
  updateStrategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    type: RollingUpdate
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-waypoint
spec:
  controllerName: istio.io/mesh-controller
  description: A waypoint of the mesh, for services or workloads of a namespace.
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: istio-waypoint
spec:
  controllerName: istio.io/mesh-controller
  description: A waypoint of the mesh, for services or workloads of a namespace.
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  ingress:
  - ports:
    - port: 15012
      protocol: TCP
  - from:
    - namespaceSelector:
        matchLabels:
          apus.io/monitoring: "true"
    ports:
    - port: 15014
      protocol: TCP
  podSelector:
    matchLabels:
      app: apusd
  policyTypes:
  - Ingress
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: default-deny
  namespace: apus-system
spec:
  podSelector: {}
  policyTypes:
  - Ingress
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
spec:
  egress:
  - ports:
    - port: 15012
      protocol: TCP
    to:
    - podSelector:
        matchLabels:
          app: apusd
  - ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          apus.io/monitoring: "true"
    ports:
    - port: 15020
      protocol: TCP
  podSelector:
    matchLabels:
      app: ztunnel
  policyTypes:
  - Ingress
  - Egress
---
apiVersion: scheduling.k8s.io/v1
description: The control plane of the mesh.
kind: PriorityClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-control-plane
value: 900000000

"""#
    static let admission = #"""
apiVersion: v1
kind: Namespace
metadata:
  labels:
    app.kubernetes.io/part-of: apus
    istio.io/dataplane-mode: none
    pod-security.kubernetes.io/enforce: privileged
  name: apus-system
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: trafficguards.apus.io
spec:
  group: apus.io
  names:
    kind: TrafficGuard
    listKind: TrafficGuardList
    plural: trafficguards
    singular: trafficguard
  scope: Namespaced
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        description: Limits and faults that a waypoint puts before services.
        properties:
          spec:
            properties:
              adaptiveConcurrency:
                description: Bounds of the number of requests under way, which follows
                  the time that answers take.
                type: object
                x-kubernetes-preserve-unknown-fields: true
              fault:
                description: Delays and refusals that are put in on purpose, in the
                  words of Istio's VirtualService.
                properties:
                  abort:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                  delay:
                    type: object
                    x-kubernetes-preserve-unknown-fields: true
                type: object
                x-kubernetes-preserve-unknown-fields: true
              globalRateLimit:
                description: Questions to a service that speaks Envoy's rate limit
                  protocol. Without its answer requests are refused, unless failOpen
                  is true.
                type: object
                x-kubernetes-preserve-unknown-fields: true
              hedging:
                description: A request that is late goes to a second endpoint as well.
                properties:
                  after:
                    description: How late, such as 50ms.
                    type: string
                  maxAttempts:
                    maximum: 5
                    minimum: 2
                    type: integer
                  methods:
                    description: Methods of requests that may be sent twice.
                    items:
                      type: string
                    type: array
                required:
                - after
                type: object
                x-kubernetes-preserve-unknown-fields: true
              quarantine:
                description: Callers whose requests are refused.
                properties:
                  callers:
                    description: Identities, TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT.
                    items:
                      type: string
                    type: array
                type: object
                x-kubernetes-preserve-unknown-fields: true
              rateLimits:
                description: Limits that each waypoint counts by itself. A bucket
                  of tokens for each key; a request takes one, and is answered 429
                  when there is none.
                items:
                  properties:
                    fillInterval:
                      description: How often tokens are put in, such as 500ms; 1s
                        unless it is said.
                      type: string
                    key:
                      description: Who shares a bucket; everybody unless it is said.
                      properties:
                        header:
                          description: With the type Header, the name of the field
                            whose value is the key.
                          type: string
                        type:
                          enum:
                          - All
                          - Identity
                          - Header
                          type: string
                      required:
                      - type
                      type: object
                      x-kubernetes-preserve-unknown-fields: true
                    maxTokens:
                      description: What a full bucket holds.
                      format: int64
                      maximum: 4294967295
                      minimum: 1
                      type: integer
                    tokensPerFill:
                      description: What is put in each time; maxTokens unless it is
                        said.
                      format: int64
                      maximum: 4294967295
                      minimum: 1
                      type: integer
                  required:
                  - maxTokens
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                maxItems: 16
                type: array
              targetRefs:
                description: Services or ServiceEntries of this namespace.
                items:
                  properties:
                    group:
                      description: Empty for a Service, networking.istio.io for a
                        ServiceEntry.
                      type: string
                    kind:
                      description: Service unless it is said.
                      enum:
                      - Service
                      - ServiceEntry
                      type: string
                    name:
                      minLength: 1
                      type: string
                  required:
                  - name
                  type: object
                  x-kubernetes-preserve-unknown-fields: true
                maxItems: 16
                minItems: 1
                type: array
            required:
            - targetRefs
            type: object
            x-kubernetes-preserve-unknown-fields: true
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
        required:
        - spec
        type: object
    served: true
    storage: true
    subresources:
      status: {}
---
apiVersion: v1
automountServiceAccountToken: false
kind: ServiceAccount
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
---
apiVersion: v1
automountServiceAccountToken: false
kind: ServiceAccount
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-root
  namespace: apus-system
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - list
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
rules:
- apiGroups:
  - ""
  resourceNames:
  - apus-ca-secret
  - cacerts
  resources:
  - secrets
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - secrets
  verbs:
  - create
- apiGroups:
  - coordination.k8s.io
  resourceNames:
  - apusd
  resources:
  - leases
  verbs:
  - get
  - update
- apiGroups:
  - coordination.k8s.io
  resources:
  - leases
  verbs:
  - create
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-read
rules:
- apiGroups:
  - ""
  resources:
  - namespaces
  - nodes
  - pods
  - serviceaccounts
  - services
  verbs:
  - list
  - watch
- apiGroups:
  - ""
  resourceNames:
  - istio
  resources:
  - configmaps
  verbs:
  - list
  - watch
- apiGroups:
  - apiextensions.k8s.io
  resources:
  - customresourcedefinitions
  verbs:
  - list
  - watch
- apiGroups:
  - apus.io
  resources:
  - trafficguards
  verbs:
  - list
  - watch
- apiGroups:
  - discovery.k8s.io
  resources:
  - endpointslices
  verbs:
  - list
  - watch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways
  - grpcroutes
  - httproutes
  - referencegrants
  - tcproutes
  - tlsroutes
  verbs:
  - list
  - watch
- apiGroups:
  - networking.istio.io
  resources:
  - destinationrules
  - serviceentries
  - workloadentries
  verbs:
  - list
  - watch
- apiGroups:
  - networking.k8s.io
  resources:
  - networkpolicies
  verbs:
  - list
  - watch
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies
  - peerauthentications
  - requestauthentications
  verbs:
  - list
  - watch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-status
rules:
- apiGroups:
  - ""
  resources:
  - pods
  verbs:
  - get
  - patch
- apiGroups:
  - ""
  resources:
  - services
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - services/status
  verbs:
  - patch
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways
  - grpcroutes
  - httproutes
  - tcproutes
  - tlsroutes
  verbs:
  - get
- apiGroups:
  - gateway.networking.k8s.io
  resources:
  - gateways/status
  - grpcroutes/status
  - httproutes/status
  - tcproutes/status
  - tlsroutes/status
  verbs:
  - patch
- apiGroups:
  - networking.istio.io
  resources:
  - serviceentries
  verbs:
  - get
- apiGroups:
  - networking.istio.io
  resources:
  - serviceentries/status
  verbs:
  - patch
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies
  verbs:
  - get
- apiGroups:
  - security.istio.io
  resources:
  - authorizationpolicies/status
  verbs:
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-trust
rules:
- apiGroups:
  - authentication.k8s.io
  resources:
  - tokenreviews
  verbs:
  - create
- apiGroups:
  - ""
  resourceNames:
  - istio-ca-root-cert
  resources:
  - configmaps
  verbs:
  - create
  - list
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-waypoints
rules:
- apiGroups:
  - ""
  resources:
  - configmaps
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - serviceaccounts
  - services
  verbs:
  - create
  - get
  - patch
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - create
  - get
  - patch
- apiGroups:
  - autoscaling
  resources:
  - horizontalpodautoscalers
  verbs:
  - create
  - delete
  - get
  - patch
- apiGroups:
  - policy
  resources:
  - poddisruptionbudgets
  verbs:
  - create
  - delete
  - get
  - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-root
  namespace: apus-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: apusd-root
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: apusd
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-read
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-read
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-status
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-status
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-trust
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-trust
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd-waypoints
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: apusd-waypoints
subjects:
- kind: ServiceAccount
  name: apusd
  namespace: apus-system
---
apiVersion: v1
kind: Service
metadata:
  labels:
    app: apusd
    app.kubernetes.io/name: apusd
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  ports:
  - name: grpc-xds
    port: 15012
    protocol: TCP
    targetPort: grpc-xds
  - name: http-monitoring
    port: 15014
    protocol: TCP
    targetPort: http-monitoring
  selector:
    app: apusd
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: apusd
    app.kubernetes.io/name: apusd
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  replicas: 2
  selector:
    matchLabels:
      app: apusd
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    type: RollingUpdate
  template:
    metadata:
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/port: "15014"
        prometheus.io/scrape: "true"
      labels:
        app: apusd
        app.kubernetes.io/name: apusd
        app.kubernetes.io/part-of: apus
        istio.io/dataplane-mode: none
        sidecar.istio.io/inject: "false"
    spec:
      automountServiceAccountToken: true
      containers:
      - args:
        - --kubernetes
        - --state=/var/lib/apus/state
        - --listen=0.0.0.0:15012
        - --admin=0.0.0.0:15014
        - --trust-domain=cluster.local
        - --root-namespace=apus-system
        - --server-name=apusd.apus-system.svc
        - --trusted-node-account=apus-system/ztunnel
        - --waypoint-image=apus/waypoint:0.1.0
        - --waypoint-control-plane=https://apusd.apus-system.svc:15012
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        image: apus/apusd:0.1.0
        livenessProbe:
          failureThreshold: 6
          httpGet:
            path: /
            port: http-monitoring
          initialDelaySeconds: 30
          periodSeconds: 10
          timeoutSeconds: 5
        name: apusd
        ports:
        - containerPort: 15012
          name: grpc-xds
          protocol: TCP
        - containerPort: 15014
          name: http-monitoring
          protocol: TCP
        readinessProbe:
          httpGet:
            path: /healthz/ready
            port: http-monitoring
          periodSeconds: 5
          timeoutSeconds: 5
        resources:
          limits:
            memory: 2Gi
          requests:
            cpu: 100m
            memory: 256Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            drop:
            - ALL
          readOnlyRootFilesystem: true
        volumeMounts:
        - mountPath: /var/lib/apus
          name: state
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: apus-control-plane
      securityContext:
        fsGroup: 1337
        runAsGroup: 1337
        runAsNonRoot: true
        runAsUser: 1337
        seccompProfile:
          type: RuntimeDefault
      serviceAccountName: apusd
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints:
      - labelSelector:
          matchLabels:
            app: apusd
        maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
      - labelSelector:
          matchLabels:
            app: apusd
        maxSkew: 1
        topologyKey: topology.kubernetes.io/zone
        whenUnsatisfiable: ScheduleAnyway
      volumes:
      - emptyDir:
          medium: Memory
          sizeLimit: 64Mi
        name: state
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app: apusd
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-dataplane-mode
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - apiGroups:
      - ""
      apiVersions:
      - v1
      operations:
      - CREATE
      - UPDATE
      resources:
      - namespaces
      - pods
  validations:
  - expression: '!has(object.metadata.labels) || !(''istio.io/dataplane-mode'' in
      object.metadata.labels) || object.metadata.labels[''istio.io/dataplane-mode'']
      in [''ambient'', ''none'']'
    message: expected istio.io/dataplane-mode to be ambient or none
    reason: Invalid
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-waypoint-listener
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - apiGroups:
      - gateway.networking.k8s.io
      apiVersions:
      - v1
      - v1beta1
      operations:
      - CREATE
      - UPDATE
      resources:
      - gateways
  validations:
  - expression: '!(object.spec.gatewayClassName in [''istio-waypoint'', ''apus-waypoint''])
      || object.spec.listeners.exists(listener, listener.port == 15008 && listener.protocol
      == ''HBONE'')'
    message: expected a waypoint to have a listener of protocol HBONE on port 15008
    reason: Invalid
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-dataplane-mode
spec:
  policyName: apus-dataplane-mode
  validationActions:
  - Deny
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-waypoint-listener
spec:
  policyName: apus-waypoint-listener
  validationActions:
  - Deny
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  labels:
    app: ztunnel
    app.kubernetes.io/name: ztunnel
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
spec:
  minReadySeconds: 5
  selector:
    matchLabels:
      app: ztunnel
  template:
    metadata:
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/port: "15020"
        prometheus.io/scrape: "true"
      labels:
        app: ztunnel
        app.kubernetes.io/name: ztunnel
        app.kubernetes.io/part-of: apus
        istio.io/dataplane-mode: none
        sidecar.istio.io/inject: "false"
    spec:
      automountServiceAccountToken: false
      containers:
      - env:
        - name: NODE_NAME
          valueFrom:
            fieldRef:
              fieldPath: spec.nodeName
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        - name: INSTANCE_IP
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
        - name: SERVICE_ACCOUNT
          valueFrom:
            fieldRef:
              fieldPath: spec.serviceAccountName
        - name: XDS_ADDRESS
          value: https://apusd.apus-system.svc:15012
        - name: CA_ADDRESS
          value: https://apusd.apus-system.svc:15012
        - name: XDS_ROOT_CA
          value: /var/run/secrets/istio/root-cert.pem
        - name: CA_ROOT_CA
          value: /var/run/secrets/istio/root-cert.pem
        - name: AUTH_TOKEN
          value: /var/run/secrets/tokens/istio-token
        - name: APUS_SOCKET
          value: /run/apus/ztunnel.sock
        - name: APUS_CNI_CONF_DIR
          value: /host/etc/cni/net.d
        - name: APUS_CNI_BIN_DIR
          value: /host/opt/cni/bin
        - name: APUS_CNI_FAIL_OPEN_NAMESPACES
          value: kube-system,apus-system
        - name: APUS_PROC
          value: /host/proc
        - name: APUS_NODE_NETNS
          value: /host/proc/1/ns/net
        - name: CONNECTION_TERMINATION_DEADLINE
          value: 20s
        - name: TERMINATION_GRACE_PERIOD_SECONDS
          value: "3600"
        image: apus/ztunnel:0.1.0
        name: ztunnel
        ports:
        - containerPort: 15020
          name: http-monitoring
          protocol: TCP
        - containerPort: 15021
          name: readiness
          protocol: TCP
        readinessProbe:
          httpGet:
            path: /healthz/ready
            port: readiness
          periodSeconds: 5
          timeoutSeconds: 5
        resources:
          limits:
            memory: 2Gi
          requests:
            cpu: 100m
            memory: 128Mi
        securityContext:
          allowPrivilegeEscalation: false
          capabilities:
            add:
            - NET_ADMIN
            - SYS_ADMIN
            - SYS_PTRACE
            drop:
            - ALL
          privileged: false
          readOnlyRootFilesystem: true
          runAsGroup: 1337
          runAsNonRoot: false
          runAsUser: 0
        volumeMounts:
        - mountPath: /var/run/secrets/istio
          name: root-certificate
          readOnly: true
        - mountPath: /var/run/secrets/tokens
          name: token
          readOnly: true
        - mountPath: /run/apus
          name: run
        - mountPath: /run/netns
          mountPropagation: HostToContainer
          name: namespaces
          readOnly: true
        - mountPath: /host/proc
          name: processes
          readOnly: true
        - mountPath: /host/etc/cni/net.d
          name: cni-configuration
        - mountPath: /host/opt/cni/bin
          name: cni-programs
      nodeSelector:
        kubernetes.io/os: linux
      priorityClassName: system-node-critical
      securityContext:
        seccompProfile:
          type: RuntimeDefault
      serviceAccountName: ztunnel
      terminationGracePeriodSeconds: 3600
      tolerations:
      - operator: Exists
      volumes:
      - configMap:
          name: istio-ca-root-cert
        name: root-certificate
      - name: token
        projected:
          sources:
          - serviceAccountToken:
              audience: istio-ca
              expirationSeconds: 43200
              path: istio-token
      - hostPath:
          path: /run/apus
          type: DirectoryOrCreate
        name: run
      - hostPath:
          path: /run/netns
          type: DirectoryOrCreate
        name: namespaces
      - hostPath:
          path: /proc
          type: Directory
        name: processes
      - hostPath:
          path: /etc/cni/net.d
          type: DirectoryOrCreate
        name: cni-configuration
      - hostPath:
          path: /opt/cni/bin
          type: DirectoryOrCreate
        name: cni-programs
  updateStrategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
    type: RollingUpdate
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-waypoint
spec:
  controllerName: istio.io/mesh-controller
  description: A waypoint of the mesh, for services or workloads of a namespace.
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: istio-waypoint
spec:
  controllerName: istio.io/mesh-controller
  description: A waypoint of the mesh, for services or workloads of a namespace.
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apusd
  namespace: apus-system
spec:
  ingress:
  - ports:
    - port: 15012
      protocol: TCP
  - from:
    - namespaceSelector:
        matchLabels:
          apus.io/monitoring: "true"
    ports:
    - port: 15014
      protocol: TCP
  podSelector:
    matchLabels:
      app: apusd
  policyTypes:
  - Ingress
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: default-deny
  namespace: apus-system
spec:
  podSelector: {}
  policyTypes:
  - Ingress
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: ztunnel
  namespace: apus-system
spec:
  egress:
  - ports:
    - port: 15012
      protocol: TCP
    to:
    - podSelector:
        matchLabels:
          app: apusd
  - ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          apus.io/monitoring: "true"
    ports:
    - port: 15020
      protocol: TCP
  podSelector:
    matchLabels:
      app: ztunnel
  policyTypes:
  - Ingress
  - Egress
---
apiVersion: scheduling.k8s.io/v1
description: The control plane of the mesh.
kind: PriorityClass
metadata:
  labels:
    app.kubernetes.io/part-of: apus
  name: apus-control-plane
value: 900000000

"""#
}
