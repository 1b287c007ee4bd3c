"""The fields of the shared metadata and of every group but the core, as the published `.proto` files number them; `schema.py` reads this."""

TEXT = """
DeleteOptions: gracePeriodSeconds:i64=1* preconditions:Preconditions=2 orphanDependents:bool=3*
  propagationPolicy:str=4* dryRun:[str]=5 ignoreStoreReadErrorWithClusterBreakingPotential:bool=6*
Status: metadata:ListMeta=1 status:str=2 message:str=3 reason:str=4 details:StatusDetails=5 code:i32=6
ObjectMeta: name:str=1 generateName:str=2 namespace:str=3 selfLink:str=4 uid:str=5 resourceVersion:str=6
  generation:i64=7 creationTimestamp:Time=8 deletionTimestamp:Time=9 deletionGracePeriodSeconds:i64=10*
  labels:{str}=11 annotations:{str}=12 ownerReferences:[OwnerReference]=13@uid/uid finalizers:[str]=14~set/
  managedFields:[ManagedFieldsEntry]=17
Preconditions: uid:str=1* resourceVersion:str=2*
ListMeta: selfLink:str=1 resourceVersion:str=2 continue:str=3! remainingItemCount:i64=4*
StatusDetails: name:str=1 group:str=2 kind:str=3 uid:str=6 causes:[StatusCause]=4 retryAfterSeconds:i32=5
OwnerReference~: apiVersion:str=5! kind:str=1! name:str=3! uid:str=4! controller:bool=6* blockOwnerDeletion:bool=7*
ManagedFieldsEntry: manager:str=1! operation:str=2! apiVersion:str=3! time:Time=4 fieldsType:str=6! fieldsV1:any=7
  subresource:str=8!
Condition: type:str=1! status:str=2! observedGeneration:i64=3 lastTransitionTime:Time=4 reason:str=5! message:str=6!
LabelSelector~: matchLabels:{str}=1 matchExpressions:[LabelSelectorRequirement]=2
StatusCause: reason:str=1 message:str=2 field:str=3
LabelSelectorRequirement: key:str=1! operator:str=2! values:[str]=3
FieldSelectorRequirement: key:str=1! operator:str=2! values:[str]=3
Job: metadata:ObjectMeta=1 spec:JobSpec=2 status:JobStatus=3
CronJob: metadata:ObjectMeta=1 spec:CronJobSpec=2 status:CronJobStatus=3
JobSpec: parallelism:i32=1* completions:i32=2* activeDeadlineSeconds:i64=3* podFailurePolicy:PodFailurePolicy=11
  successPolicy:SuccessPolicy=16 backoffLimit:i32=7* backoffLimitPerIndex:i32=12* maxFailedIndexes:i32=13*
  selector:LabelSelector=4 manualSelector:bool=5* template:PodTemplateSpec=6 ttlSecondsAfterFinished:i32=8*
  completionMode:str=9* suspend:bool=10* podReplacementPolicy:str=14* managedBy:str=15*
JobStatus: conditions:[JobCondition]=1/type startTime:Time=2 completionTime:Time=3 active:i32=4 succeeded:i32=5
  failed:i32=6 terminating:i32=11* completedIndexes:str=7 failedIndexes:str=10*
  uncountedTerminatedPods:UncountedTerminatedPods=8 ready:i32=9*
CronJobSpec: schedule:str=1! timeZone:str=8* startingDeadlineSeconds:i64=2* concurrencyPolicy:str=3 suspend:bool=4*
  jobTemplate:JobTemplateSpec=5 successfulJobsHistoryLimit:i32=6* failedJobsHistoryLimit:i32=7*
CronJobStatus: active:[ObjectReference]=1 lastScheduleTime:Time=4 lastSuccessfulTime:Time=5
PodFailurePolicy: rules:[PodFailurePolicyRule]=1!
SuccessPolicy: rules:[SuccessPolicyRule]=1!
JobCondition: type:str=1! status:str=2! lastProbeTime:Time=3 lastTransitionTime:Time=4 reason:str=5 message:str=6
UncountedTerminatedPods: succeeded:[str]=1~set failed:[str]=2~set
JobTemplateSpec: metadata:ObjectMeta=1 spec:JobSpec=2
PodFailurePolicyRule: action:str=1! onExitCodes:PodFailurePolicyOnExitCodesRequirement=2
  onPodConditions:[PodFailurePolicyOnPodConditionsPattern]=3
SuccessPolicyRule: succeededIndexes:str=1* succeededCount:i32=2*
PodFailurePolicyOnExitCodesRequirement: containerName:str=1* operator:str=2! values:[i32]=3~set!
PodFailurePolicyOnPodConditionsPattern: type:str=1! status:str=2
Deployment: metadata:ObjectMeta=1 spec:DeploymentSpec=2 status:DeploymentStatus=3
ReplicaSet: metadata:ObjectMeta=1 spec:ReplicaSetSpec=2 status:ReplicaSetStatus=3
DeploymentSpec: replicas:i32=1* selector:LabelSelector=2 template:PodTemplateSpec=3 strategy:DeploymentStrategy=4^
  minReadySeconds:i32=5 revisionHistoryLimit:i32=6* paused:bool=7 progressDeadlineSeconds:i32=9*
DeploymentStatus: observedGeneration:i64=1 replicas:i32=2 updatedReplicas:i32=3 readyReplicas:i32=7
  availableReplicas:i32=4 unavailableReplicas:i32=5 terminatingReplicas:i32=9*
  conditions:[DeploymentCondition]=6@type/type collisionCount:i32=8*
ReplicaSetSpec: replicas:i32=1* minReadySeconds:i32=4 selector:LabelSelector=2 template:PodTemplateSpec=3
ReplicaSetStatus: replicas:i32=1+ fullyLabeledReplicas:i32=2 readyReplicas:i32=4 availableReplicas:i32=5
  terminatingReplicas:i32=7* observedGeneration:i64=3 conditions:[ReplicaSetCondition]=6@type/type
DeploymentStrategy: type:str=1 rollingUpdate:RollingUpdateDeployment=2
DeploymentCondition: type:str=1! status:str=2! lastUpdateTime:Time=6 lastTransitionTime:Time=7 reason:str=4!
  message:str=5!
ReplicaSetCondition: type:str=1! status:str=2! lastTransitionTime:Time=3 reason:str=4 message:str=5
RollingUpdateDeployment: maxUnavailable:IntOrString=1 maxSurge:IntOrString=2
Lease: metadata:ObjectMeta=1 spec:LeaseSpec=2
LeaseSpec: holderIdentity:str=1* leaseDurationSeconds:i32=2* acquireTime:MicroTime=3 renewTime:MicroTime=4
  leaseTransitions:i32=5* strategy:str=6* preferredHolder:str=7*
Role: metadata:ObjectMeta=1 rules:[PolicyRule]=2
RoleBinding: metadata:ObjectMeta=1 subjects:[Subject]=2 roleRef:RoleRef=3
PolicyRule: verbs:[str]=1! apiGroups:[str]=2 resources:[str]=3 resourceNames:[str]=4 nonResourceURLs:[str]=5
Subject~: kind:str=1! apiGroup:str=2 name:str=3! namespace:str=4
RoleRef~: apiGroup:str=1! kind:str=2! name:str=3!
SelfSubjectAccessReview: metadata:ObjectMeta=1 spec:SelfSubjectAccessReviewSpec=2 status:SubjectAccessReviewStatus=3
SelfSubjectRulesReview: metadata:ObjectMeta=1 spec:SelfSubjectRulesReviewSpec=2 status:SubjectRulesReviewStatus=3
SelfSubjectAccessReviewSpec: resourceAttributes:ResourceAttributes=1 nonResourceAttributes:NonResourceAttributes=2
SubjectAccessReviewStatus: allowed:bool=1+ denied:bool=4 reason:str=2 evaluationError:str=3
SelfSubjectRulesReviewSpec: namespace:str=1!
SubjectRulesReviewStatus: resourceRules:[ResourceRule]=1 nonResourceRules:[NonResourceRule]=2 incomplete:bool=3+
  evaluationError:str=4
ResourceAttributes: namespace:str=1 verb:str=2 group:str=3 version:str=4 resource:str=5 subresource:str=6 name:str=7
  fieldSelector:FieldSelectorAttributes=8 labelSelector:LabelSelectorAttributes=9
NonResourceAttributes: path:str=1 verb:str=2
ResourceRule: verbs:[str]=1! apiGroups:[str]=2 resources:[str]=3 resourceNames:[str]=4
NonResourceRule: verbs:[str]=1! nonResourceURLs:[str]=2
FieldSelectorAttributes: rawSelector:str=1 requirements:[FieldSelectorRequirement]=2
LabelSelectorAttributes: rawSelector:str=1 requirements:[LabelSelectorRequirement]=2
"""
