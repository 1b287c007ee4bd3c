"""The fields of the core group, as the published `.proto` files number them; `schema.py` reads this."""

TEXT = """
Namespace: metadata:ObjectMeta=1 spec:NamespaceSpec=2 status:NamespaceStatus=3
ServiceAccount: metadata:ObjectMeta=1 secrets:[ObjectReference]=2@name/name imagePullSecrets:[LocalObjectReference]=3
  automountServiceAccountToken:bool=4*
Secret: metadata:ObjectMeta=1 immutable:bool=5* data:{bytes}=2 stringData:{str}=4 type:str=3
ConfigMap: metadata:ObjectMeta=1 immutable:bool=4* data:{str}=2 binaryData:{bytes}=3
Pod: metadata:ObjectMeta=1 spec:PodSpec=2 status:PodStatus=3
Node: metadata:ObjectMeta=1 spec:NodeSpec=2 status:NodeStatus=3
Service: metadata:ObjectMeta=1 spec:ServiceSpec=2 status:ServiceStatus=3
Event: metadata:ObjectMeta=1 involvedObject:ObjectReference=2 reason:str=3 message:str=4 source:EventSource=5
  firstTimestamp:Time=6 lastTimestamp:Time=7 count:i32=8 type:str=9 eventTime:MicroTime=10 series:EventSeries=11
  action:str=12 related:ObjectReference=13 reportingComponent:str=14 reportingInstance:str=15
PersistentVolumeClaim: metadata:ObjectMeta=1 spec:PersistentVolumeClaimSpec=2 status:PersistentVolumeClaimStatus=3
NamespaceSpec: finalizers:[str]=1
NamespaceStatus: phase:str=1 conditions:[NamespaceCondition]=2@type/type
ObjectReference~: kind:str=1 namespace:str=2 name:str=3 uid:str=4 apiVersion:str=5 resourceVersion:str=6
  fieldPath:str=7
LocalObjectReference~: name:str=1
PodSpec: volumes:[Volume]=1@name/name^ initContainers:[Container]=20@name/name containers:[Container]=2@name/name!
  ephemeralContainers:[any]=34@name/name restartPolicy:str=3 terminationGracePeriodSeconds:i64=4*
  activeDeadlineSeconds:i64=5* dnsPolicy:str=6 nodeSelector:{str}=7~atomic serviceAccountName:str=8
  serviceAccount:str=9 automountServiceAccountToken:bool=21* nodeName:str=10 hostNetwork:bool=11 hostPID:bool=12
  hostIPC:bool=13 shareProcessNamespace:bool=27* securityContext:PodSecurityContext=14
  imagePullSecrets:[LocalObjectReference]=15@name/name hostname:str=16 subdomain:str=17 affinity:Affinity=18
  schedulerName:str=19 tolerations:[Toleration]=22 hostAliases:[HostAlias]=23@ip/ip priorityClassName:str=24
  priority:i32=25* dnsConfig:PodDNSConfig=26 readinessGates:[PodReadinessGate]=28 runtimeClassName:str=29*
  enableServiceLinks:bool=30* preemptionPolicy:str=31* overhead:{Quantity}=32
  topologySpreadConstraints:[TopologySpreadConstraint]=33@topologyKey,whenUnsatisfiable/topologyKey
  setHostnameAsFQDN:bool=35* os:PodOS=36 hostUsers:bool=37* schedulingGates:[PodSchedulingGate]=38@name/name
  resourceClaims:[PodResourceClaim]=39@name/name^ resources:ResourceRequirements=40 hostnameOverride:str=41*
  workloadRef:WorkloadReference=42
PodStatus: observedGeneration:i64=17 phase:str=1 conditions:[PodCondition]=2@type/type message:str=3 reason:str=4
  nominatedNodeName:str=11 hostIP:str=5 hostIPs:[HostIP]=16/ip podIP:str=6 podIPs:[PodIP]=12@ip/ip startTime:Time=7
  initContainerStatuses:[ContainerStatus]=10 containerStatuses:[ContainerStatus]=8 qosClass:str=9
  ephemeralContainerStatuses:[ContainerStatus]=13 resize:str=14 resourceClaimStatuses:[any]=15@name/name^
  extendedResourceClaimStatus:any=18 allocatedResources:{Quantity}=19 resources:ResourceRequirements=20
NodeSpec: podCIDR:str=1 podCIDRs:[str]=7~set/ providerID:str=3 unschedulable:bool=4 taints:[Taint]=5
  configSource:NodeConfigSource=6 externalID:str=2
NodeStatus: capacity:{Quantity}=1 allocatable:{Quantity}=2 phase:str=3 conditions:[NodeCondition]=4@type/type
  addresses:[NodeAddress]=5@type/type daemonEndpoints:NodeDaemonEndpoints=6 nodeInfo:NodeSystemInfo=7
  images:[ContainerImage]=8 volumesInUse:[str]=9 volumesAttached:[AttachedVolume]=10 config:NodeConfigStatus=11
  runtimeHandlers:[NodeRuntimeHandler]=12 features:NodeFeatures=13 declaredFeatures:[str]=14
ServiceSpec: ports:[ServicePort]=1@port,protocol/port! selector:{str}=2~atomic clusterIP:str=3 clusterIPs:[str]=18
  type:str=4 externalIPs:[str]=5 sessionAffinity:str=7 loadBalancerIP:str=8 loadBalancerSourceRanges:[str]=9
  externalName:str=10 externalTrafficPolicy:str=11 healthCheckNodePort:i32=12 publishNotReadyAddresses:bool=13
  sessionAffinityConfig:SessionAffinityConfig=14 ipFamilies:[str]=19 ipFamilyPolicy:str=17*
  allocateLoadBalancerNodePorts:bool=20* loadBalancerClass:str=21* internalTrafficPolicy:str=22*
  trafficDistribution:str=23*
ServiceStatus: loadBalancer:LoadBalancerStatus=1 conditions:[Condition]=2@type/type
EventSource: component:str=1 host:str=2
EventSeries: count:i32=1 lastObservedTime:MicroTime=2
PersistentVolumeClaimSpec: accessModes:[str]=1 selector:LabelSelector=4 resources:VolumeResourceRequirements=2
  volumeName:str=3 storageClassName:str=5* volumeMode:str=6* dataSource:TypedLocalObjectReference=7
  dataSourceRef:TypedObjectReference=8 volumeAttributesClassName:str=9*
PersistentVolumeClaimStatus: phase:str=1 accessModes:[str]=2 capacity:{Quantity}=3
  conditions:[PersistentVolumeClaimCondition]=4@type/type allocatedResources:{Quantity}=5
  allocatedResourceStatuses:{str}=7 currentVolumeAttributesClassName:str=8* modifyVolumeStatus:ModifyVolumeStatus=9
NamespaceCondition: type:str=1! status:str=2! lastTransitionTime:Time=4 reason:str=5 message:str=6
Volume: name:str=1! volumeSource:VolumeSource=2<
Container: name:str=1! image:str=2 command:[str]=3 args:[str]=4 workingDir:str=5
  ports:[ContainerPort]=6@containerPort,protocol/containerPort envFrom:[EnvFromSource]=19 env:[EnvVar]=7@name/name
  resources:ResourceRequirements=8 resizePolicy:[ContainerResizePolicy]=23 restartPolicy:str=24*
  restartPolicyRules:[ContainerRestartRule]=25 volumeMounts:[VolumeMount]=9@mountPath/mountPath
  volumeDevices:[VolumeDevice]=21@devicePath/devicePath livenessProbe:Probe=10 readinessProbe:Probe=11
  startupProbe:Probe=22 lifecycle:Lifecycle=12 terminationMessagePath:str=13 terminationMessagePolicy:str=20
  imagePullPolicy:str=14 securityContext:SecurityContext=15 stdin:bool=16 stdinOnce:bool=17 tty:bool=18
PodSecurityContext: seLinuxOptions:SELinuxOptions=1 windowsOptions:WindowsSecurityContextOptions=8 runAsUser:i64=2*
  runAsGroup:i64=6* runAsNonRoot:bool=3* supplementalGroups:[i64]=4 supplementalGroupsPolicy:str=12* fsGroup:i64=5*
  sysctls:[Sysctl]=7 fsGroupChangePolicy:str=9* seccompProfile:SeccompProfile=10 appArmorProfile:AppArmorProfile=11
  seLinuxChangePolicy:str=13*
Affinity: nodeAffinity:NodeAffinity=1 podAffinity:PodAffinity=2 podAntiAffinity:PodAntiAffinity=3
Toleration: key:str=1 operator:str=2 value:str=3 effect:str=4 tolerationSeconds:i64=5*
HostAlias: ip:str=1! hostnames:[str]=2!
PodDNSConfig: nameservers:[str]=1 searches:[str]=2 options:[PodDNSConfigOption]=3
PodReadinessGate: conditionType:str=1!
TopologySpreadConstraint: maxSkew:i32=1 topologyKey:str=2! whenUnsatisfiable:str=3! labelSelector:LabelSelector=4
  minDomains:i32=5* nodeAffinityPolicy:str=6* nodeTaintsPolicy:str=7* matchLabelKeys:[str]=8
PodOS: name:str=1!
PodSchedulingGate: name:str=1!
PodResourceClaim: name:str=1! resourceClaimName:str=3*! resourceClaimTemplateName:str=4*!
ResourceRequirements: limits:{Quantity}=1 requests:{Quantity}=2 claims:[ResourceClaim]=3@name
WorkloadReference: name:str=1! podGroup:str=2! podGroupReplicaKey:str=3
PodCondition: type:str=1! observedGeneration:i64=7 status:str=2! lastProbeTime:Time=3 lastTransitionTime:Time=4
  reason:str=5 message:str=6
HostIP: ip:str=1!
PodIP: ip:str=1!
ContainerStatus: name:str=1+ state:ContainerState=2 lastState:ContainerState=3 ready:bool=4+ restartCount:i32=5+
  image:str=6+ imageID:str=7+ containerID:str=8 started:bool=9* allocatedResources:{Quantity}=10
  resources:ResourceRequirements=11 volumeMounts:[VolumeMountStatus]=12@mountPath/mountPath user:any=13
  allocatedResourcesStatus:[ResourceStatus]=14@name/name stopSignal:str=15*
Taint: key:str=1! value:str=2 effect:str=3! timeAdded:Time=4
NodeConfigSource: configMap:ConfigMapNodeConfigSource=2
NodeCondition: type:str=1! status:str=2! lastHeartbeatTime:Time=3 lastTransitionTime:Time=4 reason:str=5 message:str=6
NodeAddress: type:str=1! address:str=2!
NodeDaemonEndpoints: kubeletEndpoint:DaemonEndpoint=1
NodeSystemInfo: machineID:str=1! systemUUID:str=2! bootID:str=3! kernelVersion:str=4! osImage:str=5!
  containerRuntimeVersion:str=6! kubeletVersion:str=7! kubeProxyVersion:str=8! operatingSystem:str=9!
  architecture:str=10! swap:any=11
ContainerImage: names:[str]=1 sizeBytes:i64=2
AttachedVolume: name:str=1! devicePath:str=2!
NodeConfigStatus: assigned:NodeConfigSource=1 active:NodeConfigSource=2 lastKnownGood:NodeConfigSource=3 error:str=4
NodeRuntimeHandler: name:str=1 features:NodeRuntimeHandlerFeatures=2
NodeFeatures: supplementalGroupsPolicy:bool=1*
ServicePort: name:str=1 protocol:str=2 appProtocol:str=6* port:i32=3 targetPort:IntOrString=4 nodePort:i32=5
SessionAffinityConfig: clientIP:ClientIPConfig=1
LoadBalancerStatus: ingress:[LoadBalancerIngress]=1
VolumeResourceRequirements: limits:{Quantity}=1 requests:{Quantity}=2
TypedLocalObjectReference~: apiGroup:str=1* kind:str=2! name:str=3!
TypedObjectReference: apiGroup:str=1* kind:str=2! name:str=3! namespace:str=4*
PersistentVolumeClaimCondition: type:str=1! status:str=2! lastProbeTime:Time=3 lastTransitionTime:Time=4 reason:str=5
  message:str=6
ModifyVolumeStatus: targetVolumeAttributesClassName:str=1 status:str=2+
PodTemplateSpec: metadata:ObjectMeta=1 spec:PodSpec=2
VolumeSource: hostPath:HostPathVolumeSource=1 emptyDir:EmptyDirVolumeSource=2 gcePersistentDisk:any=3
  awsElasticBlockStore:any=4 gitRepo:any=5 secret:SecretVolumeSource=6 nfs:NFSVolumeSource=7 iscsi:any=8
  glusterfs:any=9 persistentVolumeClaim:PersistentVolumeClaimVolumeSource=10 rbd:any=11 flexVolume:any=12
  cinder:any=13 cephfs:any=14 flocker:any=15 downwardAPI:DownwardAPIVolumeSource=16 fc:any=17 azureFile:any=18
  configMap:ConfigMapVolumeSource=19 vsphereVolume:any=20 quobyte:any=21 azureDisk:any=22 photonPersistentDisk:any=23
  projected:ProjectedVolumeSource=26 portworxVolume:any=24 scaleIO:any=25 storageos:any=27 csi:CSIVolumeSource=28
  ephemeral:EphemeralVolumeSource=29 image:ImageVolumeSource=30
ContainerPort: name:str=1 hostPort:i32=2 containerPort:i32=3 protocol:str=4 hostIP:str=5
EnvFromSource: prefix:str=1 configMapRef:ConfigMapEnvSource=2 secretRef:SecretEnvSource=3
EnvVar: name:str=1! value:str=2 valueFrom:EnvVarSource=3
ContainerResizePolicy: resourceName:str=1! restartPolicy:str=2!
ContainerRestartRule: action:str=1! exitCodes:ContainerRestartRuleOnExitCodes=2
VolumeMount: name:str=1! readOnly:bool=2 recursiveReadOnly:str=7* mountPath:str=3! subPath:str=4
  mountPropagation:str=5* subPathExpr:str=6
VolumeDevice: name:str=1! devicePath:str=2!
Probe: handler:ProbeHandler=1< initialDelaySeconds:i32=2 timeoutSeconds:i32=3 periodSeconds:i32=4
  successThreshold:i32=5 failureThreshold:i32=6 terminationGracePeriodSeconds:i64=7*
Lifecycle: postStart:LifecycleHandler=1 preStop:LifecycleHandler=2 stopSignal:str=3*
SecurityContext: capabilities:Capabilities=1 privileged:bool=2* seLinuxOptions:SELinuxOptions=3
  windowsOptions:WindowsSecurityContextOptions=10 runAsUser:i64=4* runAsGroup:i64=8* runAsNonRoot:bool=5*
  readOnlyRootFilesystem:bool=6* allowPrivilegeEscalation:bool=7* procMount:str=9* seccompProfile:SeccompProfile=11
  appArmorProfile:AppArmorProfile=12
SELinuxOptions: user:str=1 role:str=2 type:str=3 level:str=4
WindowsSecurityContextOptions: gmsaCredentialSpecName:str=1* gmsaCredentialSpec:str=2* runAsUserName:str=3*
  hostProcess:bool=4*
Sysctl: name:str=1! value:str=2!
SeccompProfile: type:str=1! localhostProfile:str=2*
AppArmorProfile: type:str=1! localhostProfile:str=2*
NodeAffinity: requiredDuringSchedulingIgnoredDuringExecution:NodeSelector=1
  preferredDuringSchedulingIgnoredDuringExecution:[PreferredSchedulingTerm]=2
PodAffinity: requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]=1
  preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]=2
PodAntiAffinity: requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]=1
  preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]=2
PodDNSConfigOption: name:str=1! value:str=2*
ResourceClaim: name:str=1! request:str=2
ContainerState: waiting:ContainerStateWaiting=1 running:ContainerStateRunning=2 terminated:ContainerStateTerminated=3
VolumeMountStatus: name:str=1+ mountPath:str=2+ readOnly:bool=3 recursiveReadOnly:str=4*
ResourceStatus: name:str=1+ resources:[ResourceHealth]=2@resourceID
ConfigMapNodeConfigSource: namespace:str=1! name:str=2! uid:str=3 resourceVersion:str=4 kubeletConfigKey:str=5!
DaemonEndpoint: Port:i32=1
NodeRuntimeHandlerFeatures: recursiveReadOnlyMounts:bool=1* userNamespaces:bool=2*
ClientIPConfig: timeoutSeconds:i32=1*
LoadBalancerIngress: ip:str=1 hostname:str=2 ipMode:str=3* ports:[PortStatus]=4
HostPathVolumeSource: path:str=1! type:str=2*
EmptyDirVolumeSource: medium:str=1 sizeLimit:Quantity=2
SecretVolumeSource: secretName:str=1 items:[KeyToPath]=2 defaultMode:i32=3* optional:bool=4*
NFSVolumeSource: server:str=1! path:str=2! readOnly:bool=3
PersistentVolumeClaimVolumeSource: claimName:str=1! readOnly:bool=2
DownwardAPIVolumeSource: items:[DownwardAPIVolumeFile]=1 defaultMode:i32=2*
ConfigMapVolumeSource: localObjectReference:LocalObjectReference=1< items:[KeyToPath]=2 defaultMode:i32=3*
  optional:bool=4*
ProjectedVolumeSource: sources:[VolumeProjection]=1 defaultMode:i32=2*
CSIVolumeSource: driver:str=1! readOnly:bool=2* fsType:str=3* volumeAttributes:{str}=4
  nodePublishSecretRef:LocalObjectReference=5
EphemeralVolumeSource: volumeClaimTemplate:PersistentVolumeClaimTemplate=1
ImageVolumeSource: reference:str=1 pullPolicy:str=2
ConfigMapEnvSource: localObjectReference:LocalObjectReference=1< optional:bool=2*
SecretEnvSource: localObjectReference:LocalObjectReference=1< optional:bool=2*
EnvVarSource: fieldRef:ObjectFieldSelector=1 resourceFieldRef:ResourceFieldSelector=2
  configMapKeyRef:ConfigMapKeySelector=3 secretKeyRef:SecretKeySelector=4 fileKeyRef:FileKeySelector=5
ContainerRestartRuleOnExitCodes: operator:str=1! values:[i32]=2~set
ProbeHandler: exec:ExecAction=1 httpGet:HTTPGetAction=2 tcpSocket:TCPSocketAction=3 grpc:GRPCAction=4
LifecycleHandler: exec:ExecAction=1 httpGet:HTTPGetAction=2 tcpSocket:TCPSocketAction=3 sleep:SleepAction=4
Capabilities: add:[str]=1 drop:[str]=2
NodeSelector~: nodeSelectorTerms:[NodeSelectorTerm]=1!
PreferredSchedulingTerm: weight:i32=1 preference:NodeSelectorTerm=2
PodAffinityTerm: labelSelector:LabelSelector=1 namespaces:[str]=2 topologyKey:str=3! namespaceSelector:LabelSelector=4
  matchLabelKeys:[str]=5 mismatchLabelKeys:[str]=6
WeightedPodAffinityTerm: weight:i32=1 podAffinityTerm:PodAffinityTerm=2
ContainerStateWaiting: reason:str=1 message:str=2
ContainerStateRunning: startedAt:Time=1
ContainerStateTerminated: exitCode:i32=1 signal:i32=2 reason:str=3 message:str=4 startedAt:Time=5 finishedAt:Time=6
  containerID:str=7
ResourceHealth: resourceID:str=1! health:str=2!
PortStatus: port:i32=1+ protocol:str=2+ error:str=3*
KeyToPath: key:str=1! path:str=2! mode:i32=3*
DownwardAPIVolumeFile: path:str=1! fieldRef:ObjectFieldSelector=2 resourceFieldRef:ResourceFieldSelector=3 mode:i32=4*
VolumeProjection: secret:SecretProjection=1 downwardAPI:DownwardAPIProjection=2 configMap:ConfigMapProjection=3
  serviceAccountToken:ServiceAccountTokenProjection=4 clusterTrustBundle:ClusterTrustBundleProjection=5
  podCertificate:PodCertificateProjection=6
PersistentVolumeClaimTemplate: metadata:ObjectMeta=1 spec:PersistentVolumeClaimSpec=2
ObjectFieldSelector~: apiVersion:str=1 fieldPath:str=2!
ResourceFieldSelector~: containerName:str=1 resource:str=2! divisor:Quantity=3
ConfigMapKeySelector~: localObjectReference:LocalObjectReference=1< key:str=2! optional:bool=3*
SecretKeySelector~: localObjectReference:LocalObjectReference=1< key:str=2! optional:bool=3*
FileKeySelector~: volumeName:str=1! path:str=2! key:str=3! optional:bool=4*
ExecAction: command:[str]=1
HTTPGetAction: path:str=1 port:IntOrString=2! host:str=3 scheme:str=4 httpHeaders:[HTTPHeader]=5
TCPSocketAction: port:IntOrString=1! host:str=2
GRPCAction: port:i32=1 service:str=2*
SleepAction: seconds:i64=1
NodeSelectorTerm~: matchExpressions:[NodeSelectorRequirement]=1 matchFields:[NodeSelectorRequirement]=2
SecretProjection: localObjectReference:LocalObjectReference=1< items:[KeyToPath]=2 optional:bool=4*
DownwardAPIProjection: items:[DownwardAPIVolumeFile]=1
ConfigMapProjection: localObjectReference:LocalObjectReference=1< items:[KeyToPath]=2 optional:bool=4*
ServiceAccountTokenProjection: audience:str=1 expirationSeconds:i64=2* path:str=3!
ClusterTrustBundleProjection: name:str=1* signerName:str=2* labelSelector:LabelSelector=3 optional:bool=5* path:str=4!
PodCertificateProjection: signerName:str=1! keyType:str=2! maxExpirationSeconds:i32=3* credentialBundlePath:str=4
  keyPath:str=5 certificateChainPath:str=6 userAnnotations:{str}=7!
HTTPHeader: name:str=1! value:str=2!
NodeSelectorRequirement: key:str=1! operator:str=2! values:[str]=3
"""
