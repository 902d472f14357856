# ---------------------------------------------------------------------------------------------------------------------
# Names and keys

variable "name" {
  description = "Begins the name of everything that is made: functions, buckets, topics, queues, alarms, roles."
  type        = string
  default     = "sigcache"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.name))
    error_message = "name has 2 to 20 lower-case letters, digits and hyphens, and begins with a letter: buckets are named by it."
  }
}

variable "release_keys" {
  description = "Public keys that may sign releases, in the form of minisign: each the content of the .pub file that sigcache keygen --algorithm ed25519 --minisign writes, or its second line."
  type        = list(string)

  validation {
    condition     = length(var.release_keys) > 0
    error_message = "Without a release key no release could ever be verified: sigcache keygen release --algorithm ed25519 --minisign makes one."
  }

  validation {
    condition     = alltrue([for key in var.release_keys : can(regex("(^|\\n)RW[0-9A-Za-z+/]{54}$", trimspace(key)))])
    error_message = "A release key is the content of a minisign .pub file, or its second line: RW and 54 more characters."
  }
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds every role that is made."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:[^:]+:iam::[^:]+:policy/", var.permissions_boundary))
    error_message = "permissions_boundary is the ARN of an IAM policy."
  }
}

variable "log_retention_days" {
  description = "For how long the logs of both functions are kept."
  type        = number
  default     = 90

  validation {
    condition = contains([
      1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
    ], var.log_retention_days)
    error_message = "log_retention_days is one of the numbers that CloudWatch knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 …"
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Buckets

variable "store_bucket" {
  description = "An existing bucket for the store, which is left as it is. By default one is made."
  type        = string
  default     = null

  validation {
    condition     = var.store_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.store_bucket))
    error_message = "store_bucket is the name of a bucket, not a URL and not an ARN."
  }
}

variable "store_root" {
  description = "The part of the store's bucket that the endpoint may read and write, as in s3://bucket/root. By default all of it."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([A-Za-z0-9._=@+-]+(/[A-Za-z0-9._=@+-]+)*)?$", var.store_root))
    error_message = "store_root has no slash at its beginning or end, and no wildcard."
  }
}

variable "store_versioned" {
  description = "Whether the store's bucket keeps what was deleted or replaced, for noncurrent_days, and for the price of that storage."
  type        = bool
  default     = true
}

variable "noncurrent_days" {
  description = "For how many days versioned buckets keep what was deleted or replaced."
  type = object({
    uploads  = optional(number, 30)
    releases = optional(number, 365)
    store    = optional(number, 30)
    config   = optional(number, 365)
  })
  default = {}

  validation {
    condition     = alltrue([for days in values(var.noncurrent_days) : days >= 1 && floor(days) == days])
    error_message = "noncurrent_days are whole days, at least one."
  }
}

variable "kms_key_arn" {
  description = "A customer key of KMS for all buckets that are made. By default S3 encrypts with keys of its own. Where store_bucket is given, it is that bucket's key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[^:]+:key/", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a key (…:key/…), not of an alias: a policy that names an alias allows nothing."
  }
}

variable "force_destroy" {
  description = "Whether terraform destroy also removes buckets that are not empty, with everything in them."
  type        = bool
  default     = false
}

# ---------------------------------------------------------------------------------------------------------------------
# The endpoint function

variable "architecture" {
  description = "Of both functions: arm64 or x86_64. The artifacts must be built for it. To change it later is a deployment: see above."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture is arm64 or x86_64."
  }
}

variable "config_file" {
  description = "Path of the configuration, which is put into a bucket of its own. $${store_url}, $${alert_topic} and $${region} in it are filled in."
  type        = string
  default     = null

  validation {
    condition     = var.config_file == null || try(fileexists(var.config_file), false)
    error_message = "There is no file at config_file. A path begins where terraform runs; say $${path.module}/sigcache.toml."
  }

  validation {
    condition     = length([for given in [var.config_file, var.config, var.config_text] : given if given != null]) <= 1
    error_message = "Give the configuration in one way: config_file, config or config_text."
  }
}

variable "config" {
  description = "Where the configuration already is: s3://bucket/key, or a path in the artifact. By default sigcache.toml in the artifact."
  type        = string
  default     = null

  validation {
    condition     = var.config == null || can(regex("^(s3://[a-z0-9][a-z0-9.-]+[a-z0-9]/[^*?]+|[^:*?]+)$", var.config))
    error_message = "config is s3://bucket/key, or a path beside bootstrap in the artifact."
  }
}

variable "config_text" {
  description = "The configuration itself, as TOML. Lambda takes 4 KB of environment in all."
  type        = string
  default     = null

  validation {
    condition     = var.config_text == null || try(length(var.config_text) > 0 && length(var.config_text) <= 3500, false)
    error_message = "config_text has at most 3500 characters, since Lambda takes 4 KB of environment in all: use config_file."
  }
}

variable "environment" {
  description = "Further environment of the endpoint function. A value aws-secret:ARN, aws-secret:ARN#field or aws-ssm:NAME is replaced when the function starts, and the function may read exactly those."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.environment) : !contains(["SIGCACHE_CONFIG", "SIGCACHE_CONFIG_TEXT"], name)])
    error_message = "Where the configuration is, is said by config_file, config or config_text."
  }

  validation {
    condition     = !contains(keys(var.environment), "SIGCACHE_SHARDS")
    error_message = "Into how many shards the store is divided, is said by shards."
  }

  validation {
    condition = alltrue([
      for name in keys(var.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]+$", name)) && !startswith(name, "AWS_")
    ])
    error_message = "Names in environment have letters, digits and _; Lambda reserves those that begin with AWS_."
  }

  validation {
    condition = alltrue([
      for value in values(var.environment) : can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]+:secret:[^*?#]+(#.+)?$", trimprefix(value, "aws-secret:")))
      if startswith(value, "aws-secret:")
    ])
    error_message = "aws-secret: is followed by the whole ARN of a secret, and perhaps #field."
  }

  validation {
    condition = alltrue([
      for value in values(var.environment) : can(regex("^[A-Za-z0-9_.-]+$|^(/[A-Za-z0-9_.-]+)+$", trimprefix(value, "aws-ssm:")))
      if startswith(value, "aws-ssm:")
    ])
    error_message = "aws-ssm: is followed by the name of a parameter, not by its ARN."
  }
}

variable "secret_kms_key_arns" {
  description = "Customer keys of KMS that the secrets and parameters in environment are encrypted with."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.secret_kms_key_arns : can(regex("^arn:[^:]+:kms:[^:]+:[^:]+:key/", arn))])
    error_message = "secret_kms_key_arns are ARNs of keys (…:key/…)."
  }
}

variable "endpoint_memory" {
  description = "Memory of the endpoint function in MB; its share of a processor grows with it."
  type        = number
  default     = 512

  validation {
    condition     = var.endpoint_memory >= 128 && var.endpoint_memory <= 10240 && floor(var.endpoint_memory) == var.endpoint_memory
    error_message = "endpoint_memory is from 128 to 10240 (MB)."
  }
}

variable "endpoint_timeout" {
  description = "How many seconds an invocation of the endpoint function may take. It commits before that what it can."
  type        = number
  default     = 300

  validation {
    condition     = var.endpoint_timeout >= 10 && var.endpoint_timeout <= 900 && floor(var.endpoint_timeout) == var.endpoint_timeout
    error_message = "endpoint_timeout is from 10 to 900 (seconds)."
  }
}

variable "endpoint_concurrency" {
  description = "How many instances of the endpoint function there may be, which are then reserved for it; -1: as many as the account allows."
  type        = number
  default     = -1

  validation {
    condition     = var.endpoint_concurrency == -1 || var.endpoint_concurrency >= 1
    error_message = "endpoint_concurrency is -1 or at least 1: with 0 nothing would ever run."
  }
}

variable "alias" {
  description = "The alias of the endpoint function that the schedule and the function URL call, and that a deployment moves."
  type        = string
  default     = "live"

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]{0,62}$", var.alias))
    error_message = "alias begins with a letter, and has letters, digits, _ and -."
  }
}

variable "url" {
  description = "Whether the endpoint has a function URL: null (none), NONE (whoever knows it may read) or AWS_IAM (signed requests)."
  type        = string
  default     = null

  validation {
    condition     = var.url == null || try(contains(["NONE", "AWS_IAM"], var.url), false)
    error_message = "url is null, NONE or AWS_IAM."
  }
}

variable "queue" {
  description = "Whether there is a queue from which the endpoint takes requests to sync."
  type        = bool
  default     = false
}

# ---------------------------------------------------------------------------------------------------------------------
# The schedule

variable "schedule" {
  description = "When to sync: rate(…) or cron(…) as EventBridge Scheduler takes them, in UTC; null: never."
  type        = string
  default     = "rate(1 hour)"

  validation {
    condition = (
      var.schedule == null ||
      can(regex("^cron\\([^ ]+( [^ ]+){5}\\)$", var.schedule)) ||
      can(regex("^rate\\((1 (minute|hour|day)|([2-9]|1[0-9]|2[0-4]) hours|([2-9]|[1-9][0-9]+) minutes)\\)$", var.schedule))
    )
    error_message = "schedule is rate(15 minutes), rate(1 hour) and the like, at least once a day, or cron(…) with six fields. Less often, and no alarm could tell that it stopped."
  }

  validation {
    condition     = try(tonumber(regex("^rate\\(([0-9]+) minutes\\)$", var.schedule)[0]) <= 1440, true)
    error_message = "schedule is at least once a day: less often, and no alarm could tell that it stopped."
  }
}

variable "schedule_window" {
  description = "Within how many minutes after its time a run may begin, by chance; 0: at its time."
  type        = number
  default     = 5

  validation {
    condition     = var.schedule_window >= 0 && var.schedule_window <= 1440 && floor(var.schedule_window) == var.schedule_window
    error_message = "schedule_window is from 0 to 1440 (minutes)."
  }
}

variable "shards" {
  description = "Into how many shards the store is divided; each has a schedule of its own. See sigcache reshard before changing it."
  type        = number
  default     = 1

  validation {
    condition     = var.shards >= 1 && var.shards <= 9999 && floor(var.shards) == var.shards
    error_message = "shards is from 1 to 9999."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# The update function

variable "update_zip" {
  description = "Path of the update function's artifact. It must be there when the function is made, and when architecture changes; otherwise it need not be."
  type        = string

  validation {
    condition     = endswith(var.update_zip, ".zip")
    error_message = "update_zip is the path of a zip file: target/lambda/sigcache-update/bootstrap.zip."
  }
}

variable "update_memory" {
  description = "Memory of the update function in MB."
  type        = number
  default     = 512

  validation {
    condition     = var.update_memory >= 128 && var.update_memory <= 10240 && floor(var.update_memory) == var.update_memory
    error_message = "update_memory is from 128 to 10240 (MB)."
  }
}

variable "update_concurrency" {
  description = "1: one update at a time; -1: nothing is reserved, for new accounts whose limit of 10 leaves nothing to reserve."
  type        = number
  default     = 1

  validation {
    condition     = contains([-1, 1], var.update_concurrency)
    error_message = "update_concurrency is 1 or -1."
  }
}

variable "canary" {
  description = "Steps by which a new version gets its traffic, such as 10%:2m,50%:2m, each at least 60 seconds, together less than 12 minutes. By default it gets all at once."
  type        = string
  default     = ""

  validation {
    condition     = var.canary == "" || can(regex("^[1-9][0-9]?%:[1-9][0-9]*[sm](,[1-9][0-9]?%:[1-9][0-9]*[sm])*$", var.canary))
    error_message = "canary is a list of SHARE%:TIME, with a share from 1 to 99 and a time in s or m: 10%:2m,50%:2m."
  }

  validation {
    condition = alltrue([
      for at, step in regexall("([0-9]+)%", var.canary) :
      at == 0 || tonumber(step[0]) > tonumber(regexall("([0-9]+)%", var.canary)[max(at - 1, 0)][0])
    ])
    error_message = "Each step of canary gives the new version more than the one before."
  }

  validation {
    condition = sum(concat([0], [
      for step in regexall("([0-9]+)([sm])", var.canary) : tonumber(step[0]) * (step[1] == "m" ? 60 : 1)
    ])) < 720
    error_message = "The steps of canary take less than 12 minutes together: the update function has 15 for everything."
  }

  validation {
    condition = alltrue([
      for step in regexall("([0-9]+)([sm])", var.canary) : tonumber(step[0]) * (step[1] == "m" ? 60 : 1) >= 60
    ])
    error_message = "Each step of canary takes at least 60 seconds: its alarm looks at whole minutes, and would not see a shorter one."
  }
}

variable "canary_alarm" {
  description = "Name of the alarm that ends a canary. By default one on errors of the alias, of both versions, which is made where canary is given."
  type        = string
  default     = null

  validation {
    condition     = var.canary_alarm == null || var.canary != ""
    error_message = "canary_alarm is watched only during the steps of canary."
  }

  validation {
    condition     = var.canary_alarm == null || try(!startswith(var.canary_alarm, "arn:") && can(regex("^[^*?]{1,255}$", var.canary_alarm)), false)
    error_message = "canary_alarm is the name of an alarm of this account and region: not its ARN, and without * and ?."
  }
}

variable "probe" {
  description = "How often the live release is sent through the whole update chain, which changes nothing: rate(…) up to a day; null: never."
  type        = string
  default     = "rate(1 hour)"

  validation {
    condition = (
      var.probe == null ||
      can(regex("^rate\\((1 (hour|day)|([2-9]|1[0-9]|2[0-4]) hours|([5-9]|[1-9][0-9]+) minutes)\\)$", var.probe))
    )
    error_message = "probe is rate(…): from 5 minutes to 24 hours, or 1 day."
  }

  validation {
    condition     = try(tonumber(regex("^rate\\(([0-9]+) minutes\\)$", var.probe)[0]) <= 1440, true)
    error_message = "probe happens at least once a day."
  }
}

# ---------------------------------------------------------------------------------------------------------------------
# Who is told

variable "alarm_emails" {
  description = "Who gets an e-mail when an alarm begins and when it ends. Each must confirm once."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "alarm_emails are e-mail addresses."
  }
}

variable "alert_emails" {
  description = "Who gets an e-mail of what the endpoint itself tells, by [[alert]] in its configuration."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "alert_emails are e-mail addresses."
  }
}

variable "result_emails" {
  description = "Who gets an e-mail of the result of each update."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.result_emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "result_emails are e-mail addresses."
  }
}

variable "alarm_actions" {
  description = "ARNs of further topics or actions for every alarm, beside the alarm topic."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_actions : startswith(arn, "arn:")]) && length(var.alarm_actions) <= 4
    error_message = "alarm_actions are at most four ARNs: CloudWatch takes five, and the alarm topic is one."
  }
}

variable "alarm_period" {
  description = "In how many seconds at least one run of each shard must begin. By default the time between two runs by schedule, or schedule_window where that is longer; needed where schedule is cron(…). CloudWatch knows no more than a day."
  type        = number
  default     = null

  validation {
    condition     = var.alarm_period == null || try(var.alarm_period >= 60 && var.alarm_period <= 86400 && var.alarm_period % 60 == 0, false)
    error_message = "alarm_period is a multiple of 60, from 60 to 86400."
  }

  validation {
    condition     = var.alarm_period != null || !try(startswith(var.schedule, "cron("), false)
    error_message = "With cron(…) say in alarm_period how many seconds there are at most between two runs: 86400 for once a day."
  }

  validation {
    condition     = var.alarm_period == null || try(var.alarm_period >= local.shortest_period, true)
    error_message = "alarm_period is at least the time between two runs by schedule, and at least schedule_window: in a shorter one there need not be a run."
  }
}

variable "alarm_age" {
  description = "How old, in seconds, the oldest document may be: since a source last confirmed it."
  type        = number
  default     = 14400

  validation {
    condition     = var.alarm_age >= 60
    error_message = "alarm_age is at least 60 (seconds)."
  }
}

variable "alarm_after" {
  description = "In how many periods in a row some refresh must have failed before that is an alarm."
  type        = number
  default     = 3

  validation {
    condition     = var.alarm_after >= 1 && var.alarm_after <= 7 && floor(var.alarm_after) == var.alarm_after
    error_message = "alarm_after is from 1 to 7: CloudWatch looks back a week at most."
  }
}
