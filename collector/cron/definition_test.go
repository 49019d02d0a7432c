package cron

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"magento_migration_exporter/collector/finding"
)

// definitionCase is one file below Magento 2's root, or another where a crontab can be named.
type definitionCase struct {
	name, file, text string
	// want are the entries: line, schedule, user, state, kind and text.
	want string
	// note and remedy must be in the first one.
	note, remedy string
}

func kubernetesCases() []definitionCase {
	const cronJob = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: mage}\nspec:\n  schedule: \"*/5 * * * " +
		"*\"\n  jobTemplate:\n    spec:\n      template:\n        spec:\n" +
		"          containers:\n            - name: php\n              image: x\n              command: "
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: consumers\nspec:\n  replicas: 2\n  " +
		"template:\n    spec:\n      containers:\n        - args: "
	return []definitionCase{
		{"a CronJob", "k8s/cron.yaml", cronJob + "[php, bin/magento, \"cron:run\"]\n",
			":13 */5 * * * *||armed cron:run|bin/magento cron:run",
			"CronJob mage", `kubectl patch cronjob mage -p '{"spec":{"suspend":true}}'`},
		{
			"a CronJob with a shell", "deploy/k8s/cron.yml",
			cronJob + "[/bin/sh, -c]\n              args: [\"cd /app && php bin/magento cron:run\"]\n",
			":13 */5 * * * *||armed cron:run|/app/bin/magento cron:run", "", "",
		},
		{
			"a CronJob with lists", "cron.yaml", cronJob + "\n                - sh\n                - -ec\n          " +
				"      - |\n                  set -e\n                  php bin/magento cron:run --group=index\n",
			":14 */5 * * * *||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"a CronJob with variables", "cron.yaml",
			cronJob + "[sh, -c, \"php $M cron:run\"]\n              env: [{name: M, value: /app/bin/magento}]\n",
			":13 */5 * * * *||armed cron:run|/app/bin/magento cron:run", "", "",
		},
		{
			"a suspended CronJob", "k8s/cron.yaml", strings.Replace(cronJob, "spec:\n", "spec:\n  suspend: true\n",
				1) + "[bin/magento, cron:run]\n", ":14 */5 * * * *||dormant cron:run|bin/magento cron:run", "", "",
		},
		{
			"a CronJob behind other documents", "k8s/all.yaml",
			"# x\n---\napiVersion: v1\nkind: Service\n---\n" + cronJob + "[bin/magento, cron:run]\n",
			":18 */5 * * * *||armed cron:run|bin/magento cron:run", "", "",
		},
		{"a list", "k8s/list.yaml", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: batch/v1\n  kind: CronJob\n  " +
			"spec: {schedule: '@hourly', jobTemplate: {spec: {template: {spec: {containers: [{command: " +
			"[bin/magento, 'cron:run']}]}}}}}\n",
			":6 @hourly||armed cron:run|bin/magento cron:run", "", ""},
		{"a Deployment of consumers", "k8s/consumers.yaml",
			deployment + "[bin/magento, 'queue:consumers:start', async.operations.all]\n",
			":10 ||armed queue:consumers:start|bin/magento queue:consumers:start async.operations.all",
			"Deployment consumers", "kubectl scale --replicas=0 Deployment/consumers"},
		{
			"a Deployment with a loop", "k8s/loop.yaml",
			deployment + "[sh, -c, 'while true; do bin/magento cron:run; sleep 60; done']\n",
			":10 ||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"a Deployment without replicas", "k8s/x.yaml", strings.Replace(deployment, "2", "0",
				1) + "[bin/magento, 'cron:run']\n", ":10 ||dormant cron:run|bin/magento cron:run", "", "",
		},
		{
			"a ConfigMap with a crontab", "k8s/crontab.yaml",
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tab}\ndata:\n  crontab: |\n    # x\n    * * * * * " +
				"www-data cd /app && php bin/magento cron:run\n",
			":5 * * * * *||armed cron:run|/app/bin/magento cron:run",
			"ConfigMap tab", "",
		},
		{
			"a Helm template", "helm/templates/cron.yaml", "{{- /* bin/magento cron:run */ -}}\n{{- if .Values.cron " +
				"}}\napiVersion: batch/v1\nkind: CronJob\nspec:\n  command: [php, bin/magento, \"cron:run\"]\n{{- " +
				"end }}\n", ":6 ||armed cron:run|cron:run", "no plain YAML", "",
		},
		{
			"a Helm template's comment", "helm/templates/cron.yaml",
			"{{- /* bin/magento cron:run */ -}}\n{{ if x }}\nkind: CronJob\n# bin/magento cron:run\n{{ end }}\n", "",
			"", "",
		},

		{"a list of CronJobs", "k8s/list.yaml", "apiVersion: batch/v1\nkind: CronJobList\nitems:\n- spec: {schedule: " +
			"'@hourly', jobTemplate: {spec: {template: {spec: {containers: [{command: [bin/magento, 'cron:run']}]}}}}}\n",
			":4 @hourly||armed cron:run|bin/magento cron:run", "CronJob", "(without a name)"},
		{"a list of Pods", "k8s/list.yaml", "apiVersion: v1\nkind: PodList\nitems:\n- kind: Pod\n  metadata: {name: x}\n" +
			"  spec: {containers: [{command: [bin/magento, 'cron:run']}]}\n",
			":6 ||armed cron:run|bin/magento cron:run", "Pod x", "kubectl delete pod/x"},
		{"a list of CronJobs that are suspended", "k8s/list.yaml", "apiVersion: batch/v1\nkind: CronJobList\nitems:\n" +
			"- spec: {suspend: true, jobTemplate: {spec: {template: {spec: {containers: [{command: [bin/magento, " +
			"'cron:run']}]}}}}}\n", ":4 ||dormant cron:run|bin/magento cron:run", "", ""},
		{"a CronJob of something else", "k8s/cron.yaml", cronJob + "[php, bin/magento, 'cache:flush']\n", "", "", ""},
		{"a CronJob that says it", "k8s/cron.yaml", cronJob + "[echo, 'php bin/magento cron:run']\n", "", "", ""},
		{
			"a CronJob in a comment", "k8s/cron.yaml", "# " + strings.ReplaceAll(cronJob+"[bin/magento, 'cron:run']",
				"\n", "\n# ") + "\nkind: CronJob\n", "", "", "",
		},
		{
			"a description", "k8s/cron.yaml",
			"apiVersion: v1\nkind: Service\nmetadata: {annotations: {x: 'bin/magento cron:run'}}\n", "", "", "",
		},
	}
}

func composeCases() []definitionCase {
	const ofelia = "version: '3'\nservices:\n  php:\n    image: x\n    labels:\n"
	return []definitionCase{
		{"swarm-cronjob's labels", "stack.yml", "services:\n  php:\n    command: php bin/magento cron:run\n    deploy:\n" +
			"      replicas: 0\n      labels: {swarm.cronjob.enable: 'true', swarm.cronjob.schedule: '* * * * *'}\n",
			":2 * * * * *||armed cron:run|bin/magento cron:run", "service php", "docker compose stop php"},
		{"swarm-cronjob's labels as a list", "stack.yml", "services:\n  php:\n    command: [php, bin/magento, 'cron:run']\n" +
			"    deploy:\n      replicas: 0\n      labels: [swarm.cronjob.enable=true, 'swarm.cronjob.schedule=0 * * * *']\n",
			":2 0 * * * *||armed cron:run|bin/magento cron:run", "", ""},
		{"swarm-cronjob that is off", "stack.yml", "services:\n  php:\n    command: php bin/magento cron:run\n    deploy:\n" +
			"      labels: [swarm.cronjob.enable=false, 'swarm.cronjob.schedule=0 * * * *']\n",
			":2 0 * * * *||dormant cron:run|bin/magento cron:run", "", ""},
		{"ofelia's labels", "docker-compose.yml", ofelia + "      ofelia.enabled: \"true\"\n      " +
			"ofelia.job-exec.mage.schedule: \"@every 1m\"\n      ofelia.job-exec.mage.command: \"php bin/magento " +
			"cron:run\"\n",
			":8 @every 1m||armed cron:run|bin/magento cron:run", "ofelia's job mage",
			"take the label out of service php"},
		{
			"ofelia's labels as a list", "compose.yaml", ofelia +
				"      - ofelia.job-local.mage.command=sh -c \"cd /app && bin/magento cron:run\"\n      - " +
				"ofelia.job-local.mage.schedule=0 * * * * *\n",
			":6 0 * * * * *||armed cron:run|/app/bin/magento cron:run", "", "",
		},
		{
			"labels of a deployment", "docker/docker-compose.prod.yml",
			"services:\n  php:\n    deploy:\n      labels:\n        chadburn.job-exec.x.y.command: bin/magento " +
				"cron:run\n", ":5 ||armed cron:run|bin/magento cron:run", "chadburn's job x.y", "",
		},
		{
			"ofelia that is off", "compose.yml",
			ofelia + "      ofelia.enabled: false\n      ofelia.job-exec.mage.command: bin/magento cron:run\n",
			":7 ||dormant cron:run|bin/magento cron:run", "", "",
		},
		{
			"a service", "docker-compose.yml",
			"services:\n  cron:\n    user: www-data\n    command: php bin/magento cron:run\n",
			":2 |www-data|armed cron:run|bin/magento cron:run", "service cron", "docker compose stop cron",
		},
		{
			"a service with a loop", "docker-compose.yml", "services:\n  cron:\n    entrypoint: [\"sh\", \"-c\"]\n   " +
				" command: [\"while :; do bin/magento cron:run; sleep 60; done\"]\n",
			":2 ||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"a service with a variable", "docker-compose.yml",
			"services:\n  cron:\n    command: php ${SHOP}/bin/magento cron:run $$HOME\n",
			":2 ||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"a service that merges another", "docker-compose.yml",
			"x-base: &base\n  command: bin/magento cron:run\nservices:\n  cron:\n    <<: *base\n",
			":4 ||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"a service without replicas", "docker-compose.yml",
			"services:\n  cron:\n    command: bin/magento cron:run\n    deploy: {replicas: 0}\n",
			":2 ||dormant cron:run|bin/magento cron:run", "", "",
		},
		{
			"a crontab in a variable", "docker-compose.yml",
			"services:\n  cron:\n    command: run-cron\n    environment:\n      - 'CRONTAB=* * * * * root cd /app && " +
				"/usr/local/bin/php bin/magento cron:run >> /app/var/log/cron.log'\n",
			":2 * * * * *||armed cron:run|/app/bin/magento cron:run", "variable CRONTAB", "",
		},
		{
			"a crontab in a config", "docker-compose.yml",
			"services: {}\nconfigs:\n  tab:\n    content: |\n      * * * * * php bin/magento cron:run\n",
			":3 * * * * *||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"a swarm's job", "stack.yml", "services:\n  cron:\n    command: bin/magento cron:run\n    labels: " +
				"{swarm.cronjob.schedule: '* * * * *'}\n", ":2 * * * * *||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"an environment of another name", ".warden/warden-env.yml",
			"services:\n  php-fpm:\n    command: bin/magento cron:run\n", ":2 ||armed cron:run|bin/magento cron:run",
			"", "",
		},
		{
			"ofelia's file", "docker/ofelia.ini", "[global]\nx=y\n[job-exec \"mage\"]\nschedule = @every 60s\n" +
				"container = php\nuser = app\ncommand = php bin/magento cron:run\n",
			":7 @every 60s|app|armed cron:run|bin/magento cron:run", "ofelia's job mage", "restart ofelia",
		},

		{
			"services of other kinds", "docker-compose.yml",
			"services:\n  db:\n    image: mariadb\n  php:\n    command: php-fpm # bin/magento cron:run\n    " +
				"healthcheck: {test: php bin/magento --version}\n", "", "", "",
		},
		{
			"ofelia's label of something else", "compose.yaml",
			ofelia + "      ofelia.job-exec.x.command: bin/magento cache:flush\n", "", "", "",
		},
		{
			"a service that says it", "compose.yaml",
			"services:\n  x:\n    command: echo 'run bin/magento cron:run'\n", "", "", "",
		},
		{
			"services of Symfony's", "config/services.yaml",
			"services:\n  App\\Cron:\n    arguments: ['bin/magento cron:run']\n  _defaults: {autowire: true}\n", "",
			"", "",
		},
		{"an unrelated file", "settings.yaml", "text: bin/magento cron:run\n", "", "", ""},
		{
			"a file in vendor", "vendor/x/y/docker-compose.yml",
			"services:\n  cron:\n    command: bin/magento cron:run\n", "", "", "",
		},
		{
			"a file that lies too deep", "a/b/c/d/docker-compose.yml",
			"services:\n  cron:\n    command: bin/magento cron:run\n", "", "", "",
		},
	}
}

func imageCases() []definitionCase {
	return []definitionCase{
		{
			"an image's command", "docker/cron/Dockerfile", "FROM php\nCMD [\"php\", \"bin/magento\", \"cron:run\"]\n",
			":2 ||armed cron:run|bin/magento cron:run", "CMD of an image", "",
		},
		{
			"an image's entrypoint", "Dockerfile.cron",
			"FROM php\nENTRYPOINT [\"sh\", \"-c\"]\nCMD [\"while :; do bin/magento cron:run; sleep 60; done\"]\n",
			":3 ||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"an image's command for a shell", "Dockerfile",
			"FROM php\nCMD cd /app && \\\n  # x\n  php bin/magento cron:run\n",
			":2 ||armed cron:run|/app/bin/magento cron:run", "", "",
		},
		{
			"a crontab that an image's build writes", "Dockerfile",
			"FROM php\nRUN apt-get update && \\\n echo '* * * * * www-data php /app/bin/magento cron:run' >> " +
				"/etc/cron.d/magento\nCMD [\"cron\", \"-f\"]\n",
			":2 * * * * *||armed cron:run|/app/bin/magento cron:run", "", "",
		},
		{
			"a crontab that an image's build installs", "Dockerfile",
			"RUN echo '* * * * * php /app/bin/magento cron:run' > /tmp/tab && crontab /tmp/tab\n",
			":1 * * * * *||armed cron:run|/app/bin/magento cron:run", "", "",
		},

		{
			"an image's build", "Dockerfile",
			"FROM php\nRUN php bin/magento cron:run\n# CMD php bin/magento cron:run\nCMD [\"php-fpm\"]\n", "", "", "",
		},
		{
			"an image that says it", "Dockerfile",
			"CMD echo 'bin/magento cron:run'\nLABEL x=\"bin/magento cron:run\"\n", "", "", "",
		},
	}
}

func cloudCases() []definitionCase {
	const app = "name: mymagento\ntype: php:8.2\n"
	return []definitionCase{
		{
			"a cloud's cron", ".magento.app.yaml",
			app + "crons:\n    cronrun:\n        spec: \"* * * * *\"\n        cmd: \"php bin/magento cron:run\"\n",
			":4 * * * * *||armed cron:run|bin/magento cron:run", "cron cronrun", "ece-tools cron:disable",
		},
		{
			"a cloud's cron with commands", ".platform.app.yaml",
			app + "crons:\n  a: {spec: '*/5 * * * *', commands: {start: 'cd x && bin/magento cron:run'}}\n",
			":4 */5 * * * *||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"a cloud's worker", ".magento.app.yaml", app + "workers:\n  queue:\n    commands:\n      start: |\n      " +
				"  php ./bin/magento queue:consumers:start async.operations.all\n",
			":4 ||armed queue:consumers:start|./bin/magento queue:consumers:start async.operations.all",
			"worker queue", "",
		},
		{
			"several applications", ".platform/applications.yaml",
			"- name: x\n  crons:\n    a: {spec: '* * * * *', cmd: bin/magento cron:run}\n",
			":3 * * * * *||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"applications by name", ".upsun/config.yaml",
			"applications:\n  x:\n    crons:\n      a: {spec: '* * * * *', cmd: bin/magento cron:run}\n",
			":4 * * * * *||armed cron:run|bin/magento cron:run", "", "",
		},

		{
			"a cloud's other cron", ".magento.app.yaml",
			app + "crons:\n  a: {spec: '* * * * *', cmd: 'php bin/magento cache:clean'}\n", "", "", "",
		},
		{
			"a cloud's cron that is a comment", ".magento.app.yaml", app +
				"#crons:\n#  a: {spec: '* * * * *', cmd: 'php bin/magento cron:run'}\n" +
				"hooks: {build: 'php bin/magento setup:di:compile'}\n", "", "", "",
		},
		{"no crons", ".magento.app.yaml", app + "crons: {}\n", "", "", ""},
	}
}

// TestRootDefinitions reads what lies below the root.
func TestRootDefinitions(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(kubernetesCases(), composeCases(), imageCases(), cloudCases()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.write(t, "home/shop/www/"+c.file, c.text)
			h.write(t, "spool/cron/x", "")
			checkDefinition(t, h, h.files(t, h.options(), []string{"spool/cron/*"}), "/home/shop/www/"+c.file, c)
		})
	}
}

// TestNamedDefinitions reads the same files where they are named.
func TestNamedDefinitions(t *testing.T) {
	t.Parallel()
	named := slices.DeleteFunc(slices.Concat(kubernetesCases(), composeCases(), imageCases(), cloudCases()),
		func(c definitionCase) bool {
			return c.want == "" // some are of no known kind, and what is named is read for each of its commands
		})
	for _, c := range append(named, []definitionCase{
		{
			"pm2's programs", "pm2.json",
			`{"apps": [{"script": "bin/magento", "args": "cron:run", "cron_restart": "* * * * *"}]}`,
			":1 ||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"a program with its arguments", "x.yml", "jobs:\n- command: php\n  args: [bin/magento, 'cron:run']\n",
			":2 ||armed cron:run|bin/magento cron:run\n:3 ||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"values of a Helm chart", "values.yaml", "crons:\n- schedule: x\n  command: [bin/magento, 'cron:run']\n",
			":3 ||armed cron:run|bin/magento cron:run", "", "",
		},
		{
			"a workflow", "x.yml", "on: {schedule: [{cron: '* * * * *'}]}\njobs:\n  cron:\n    steps:\n      - name: " +
				"bin/magento cron:run\n        run: ssh shop 'cd /app && bin/magento cron:run'\n",
			":6 ||armed cron:run|/app/bin/magento cron:run", "", "",
		},
		{
			"a playbook", "x.yml",
			"- cron:\n    name: bin/magento cron:run\n    job: php {ROOT}/bin/magento cron:run\n",
			":3 ||armed cron:run|/home/shop/www/bin/magento cron:run", "", "",
		},
		{"JSON", "x.json", `{"kind": "CronJob", "apiVersion": "batch/v1", "spec": {"schedule": "@daily", ` +
			`"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"command": ["bin/magento", ` +
			`"cron:run"]}]}}}}}}`,
			":1 @daily||armed cron:run|bin/magento cron:run", "", ""},
		{
			"a workflow of something else", "x.yml",
			"jobs:\n  x:\n    steps:\n      - name: bin/magento cron:run\n        run: bin/magento cache:flush\n", "",
			"", "",
		},
	}...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.write(t, "places/"+c.file, c.text)
			checkDefinition(t, h, h.files(t, h.options(), []string{"places/" + c.file}), "/places/"+c.file, c)
		})
	}
}

func checkDefinition(t *testing.T, h host, e Evidence, file string, c definitionCase) {
	t.Helper()
	var got []string
	for _, entry := range e.Entries {
		state := "armed"
		if !entry.Armed() {
			state = "dormant"
		}
		if entry.Certainty != Possible || entry.System != finding.Magento2 || strings.TrimPrefix(entry.File, h.dir) != file ||
			entry.Remedy == "" {
			t.Errorf("%+v", entry)
		}
		got = append(got, fmt.Sprintf(":%d %s|%s|%s %s|%s", entry.Line, entry.Schedule, entry.User, state, entry.Kind,
			strings.ReplaceAll(entry.Text, h.dir, "")))
	}
	if strings.Join(got, "\n") != c.want || len(e.Problems) > 0 {
		t.Errorf("got:\n%s\nwant:\n%s\nproblems: %v", strings.Join(got, "\n"), c.want, e.Problems)
	}
	if len(e.Entries) > 0 && (!strings.Contains(e.Entries[0].Note, c.note) || !strings.Contains(e.Entries[0].Remedy,
		c.remedy)) {
		t.Errorf("%+v", e.Entries[0])
	}
}

// TestContainerCalls reads commands that start containers and jobs whose definition is known, or whose name says what
// they do.
func TestContainerCalls(t *testing.T) {
	t.Parallel()
	const file = "services:\n  cron:\n    command: bin/magento cron:run\n  php:\n    command: php-fpm\n"
	for _, test := range []struct{ name, command, want string }{
		{"compose run", "cd {DIR}/shop && docker compose run --rm cron", "cron:run|bin/magento cron:run"},
		{"compose up of all", "docker-compose -f {DIR}/shop/compose.yml up -d", "cron:run|bin/magento cron:run"},
		{
			"compose up of one", "docker compose --file {DIR}/shop/compose.yml up -d cron",
			"cron:run|bin/magento cron:run",
		},
		{
			"compose run with a command", "cd {DIR}/shop && docker compose run php bin/magento cron:run",
			"cron:run|bin/magento cron:run",
		},
		{
			"compose exec", "cd {DIR}/shop && docker compose exec -T -u www-data php bin/magento cron:run",
			"cron:run|bin/magento cron:run",
		},
		{
			"docker exec with a shell", "docker exec -i php sh -c 'cd /app; php bin/magento cron:run'",
			"cron:run|/app/bin/magento cron:run",
		},
		{
			"docker exec with input", "echo 'php bin/magento cron:run' | docker exec -i php bash",
			"cron:run|bin/magento cron:run",
		},
		{"docker run", "docker run --rm -v /x:/y image php bin/magento cron:run", "cron:run|bin/magento cron:run"},
		{"docker start", "docker start magento-cron", "cron:run|magento-cron"},
		{
			"a job from a CronJob", "kubectl -n shop create job --from=cronjob/magento2-cron now",
			"cron:run|magento2-cron",
		},
		{
			"kubectl exec", "kubectl exec -n test deploy/php -c test -- php bin/magento cron:run",
			"cron:run|bin/magento cron:run",
		},
		{"ssh with a script", "ssh -p 22 web <{DIR}/shop/x.sh", "cron:run|bin/magento cron:run"},
		{"chroot", "chroot /srv/jail php /app/bin/magento cron:run", "cron:run|/app/bin/magento cron:run"},
		{"ddev", "ddev magento cron:run", "cron:run|magento cron:run"},

		{"compose run of another service", "cd {DIR}/shop && docker compose run --rm php", ""},
		{"compose up of another service", "cd {DIR}/shop && docker compose up -d php", ""},
		{"compose run with another command", "cd {DIR}/shop && docker compose run cron bin/magento cache:flush", ""},
		{"docker exec that says it", "docker exec magento-cron echo bin/magento cron:run", ""},
		{"docker exec of something else", "docker exec magento-cron /usr/bin/backup", ""},
		{"docker start of something else", "docker start shop-db", ""},
		{"docker logs", "docker logs magento-cron", ""},
		{"looking for it", "docker exec php pgrep -f 'bin/magento cron:run'", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.write(t, "shop/compose.yml", file)
			h.write(t, "shop/x.sh", "php bin/magento cron:run\n")
			h.write(t, "spool/cron/shop", "* * * * * "+test.command+"\n")
			e := h.files(t, h.options(), []string{"spool/cron/*"})
			want := test.want
			if want != "" {
				want = "/spool/cron/shop:1 * * * * *|shop|magento2 possible armed " + want
			}
			if got := h.short(e.Entries); got != want || len(e.Problems) > 0 {
				t.Errorf("got:\n%s\nwant:\n%s\nproblems: %v", got, want, e.Problems)
			}
		})
	}
}

// TestMountedCrontab reads a crontab that a Compose file puts into a container.
func TestMountedCrontab(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "home/shop/www/docker-compose.yml", "services:\n  cron:\n    command: crond -f\n    volumes:\n      - "+
		"./docker/crontab:/etc/crontabs/root:ro\n      - type: bind\n        source: ./docker/tabs\n        "+
		"target: /etc/cron.d\n      - ./docker/x:/y\n")
	h.write(t, "home/shop/www/docker/crontab", "* * * * * php /app/bin/magento cron:run\n")
	h.write(t, "home/shop/www/docker/tabs/x", "* * * * * root php /app/bin/magento setup:cron:run\n")
	h.write(t, "home/shop/www/docker/x", "* * * * * php /app/bin/magento cron:run\n")
	h.write(t, "spool/cron/x", "")
	e := h.files(t, h.options(), []string{"spool/cron/*"})
	const want = "/home/shop/www/docker-compose.yml:5 * * * * *||magento2 possible armed cron:run|/app/bin/magento " +
		"cron:run\n" +
		"/home/shop/www/docker-compose.yml:6 * * * * *||magento2 possible armed setup:cron:run|/app/bin/magento " +
		"setup:cron:run"
	if got := h.short(e.Entries); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestDefinitionsInParts reads definitions that name other files, and what development tools have in the root.
func TestDefinitionsInParts(t *testing.T) {
	t.Parallel()
	const service, line = "services:\n  cron:\n    ", "* * * * * php /app/bin/magento cron:run\n"
	const found = "possible armed cron:run|"
	for name, c := range map[string]struct {
		files map[string]string
		want  string // what the one entry ends with; empty for none
	}{
		"an included file": {map[string]string{
			"compose.yml": "include: [docker/cron.yml]\n", "docker/cron.yml": service + "command: php bin/magento cron:run\n",
		}, found + "bin/magento cron:run"},
		"included files that include each other": {map[string]string{
			"compose.yml":  "include:\n- path: [docker/a.yml]\n" + service + "command: php bin/magento cron:run\n",
			"docker/a.yml": "include: [a.yml, ../compose.yml]\n",
		}, found + "bin/magento cron:run"},
		"an image that is built": {map[string]string{
			"compose.yml":     service + "build: {context: docker, dockerfile: cron.txt}\n",
			"docker/cron.txt": "FROM php\nCMD [\"php\", \"bin/magento\", \"cron:run\"]\n",
		}, found + "bin/magento cron:run"},
		"an image that is built from here": {map[string]string{
			"compose.yml": service + "build:\n      dockerfile_inline: |\n        FROM php\n" +
				"        CMD php bin/magento cron:run\n",
		}, found + "bin/magento cron:run"},
		"an image that is built for something else": {map[string]string{
			"compose.yml":  service + "build: docker\n    entrypoint: [php]\n    command: x.php\n",
			"docker/x.txt": "CMD [\"php\", \"bin/magento\", \"cron:run\"]\n",
		}, ""},
		"a file of variables": {map[string]string{
			"compose.yml": service + "image: x\n    env_file: [{path: docker/env}]\n",
			"docker/env":  "# A=b\nJOB=\"php /app/bin/magento cron:run\"\n",
		}, found + "/app/bin/magento cron:run"},
		"a script that is mounted": {map[string]string{
			"compose.yml": service + "entrypoint: /entry.sh\n    volumes: ['./docker/e:/entry.sh:ro']\n",
			"docker/e":    "#!/bin/sh\nwhile :; do php /app/bin/magento cron:run; sleep 60; done\n",
		}, found + "/app/bin/magento cron:run"},
		"a directory of scripts that is mounted": {map[string]string{
			"compose.yml": service + "command: [sh, /opt/bin/e]\n    volumes: [{source: ./docker, target: /opt/bin}]\n",
			"docker/e":    "php /app/bin/magento cron:run\n",
		}, found + "/app/bin/magento cron:run"},
		"a script that is mounted and not run": {map[string]string{
			"compose.yml": service + "entrypoint: /entry\n    volumes: ['./docker/e:/entry.sh:ro']\n",
			"docker/e":    "php /app/bin/magento cron:run\n",
		}, ""},
		"a crontab of an image":  {map[string]string{"docker/cron/crontab": line}, found + "/app/bin/magento cron:run"},
		"a crontab of ddev":      {map[string]string{".ddev/web-build/m2.cron": line}, found + "/app/bin/magento cron:run"},
		"crontabs of an image":   {map[string]string{"docker/crontabs/www-data": line}, found + "/app/bin/magento cron:run"},
		"a crontab of something": {map[string]string{"docker/cron/crontab": "* * * * * true\n"}, ""},
		"Magento's own crontab":  {map[string]string{"code/etc/crontab.xml": line}, ""},
		"a daemon of ddev": {map[string]string{
			".ddev/config.yaml": "web_extra_daemons:\n- {name: x, command: 'while :; do bin/magento cron:run; done'}\n",
		}, found + "bin/magento cron:run"},
		"a hook of ddev": {map[string]string{
			".ddev/config.cron.yaml": "hooks: {post-start: [{exec: 'php bin/magento cron:run &'}]}\n",
		}, found + "bin/magento cron:run"},
		"a build step of Lando": {map[string]string{
			".lando.yml": "services: {app: {run_as_root: ['echo \"" + line[:len(line)-1] + "\" | crontab -']}}\n",
		}, found + "/app/bin/magento cron:run"},
		"a daemon of ddev for something else": {map[string]string{
			".ddev/config.yaml": "web_extra_daemons:\n- {name: x, command: bin/magento cache:flush}\n",
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			for file, text := range c.files {
				h.write(t, "home/shop/www/"+file, text)
			}
			h.write(t, "spool/cron/x", "")
			got := h.short(h.files(t, h.options(), []string{"spool/cron/*"}).Entries)
			if !strings.HasSuffix(got, c.want) || strings.Contains(got, "\n") || (c.want == "") != (got == "") {
				t.Errorf("got:\n%s\nwant one that ends with %q", got, c.want)
			}
		})
	}
}

// TestExtendedService reads a named Compose file whose service is made from one of another file.
func TestExtendedService(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"":                "/x/base.yml:2 ||magento2 possible armed cron:run|bin/magento cron:run",
		", command: true": "",
	} {
		h := newHost(t)
		h.write(t, "x/compose.yml", "services: {cron: {extends: {file: base.yml, service: cron}"+command+"}}\n")
		h.write(t, "x/base.yml", "services:\n  cron: {command: php bin/magento cron:run}\n"+
			"  other: {command: bin/magento setup:cron:run}\n")
		if got := h.short(h.files(t, h.options(), []string{"x/compose.yml"}).Entries); got != want {
			t.Errorf("with %q: got %q, want %q", command, got, want)
		}
	}
}

// TestHostileDefinitions looks below a root that somebody made to keep the exporter busy.
func TestHostileDefinitions(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	root := filepath.Join(h.dir, "home/shop/www")
	h.symlink(t, ".", "home/shop/www/again")
	h.symlink(t, "loop", "home/shop/www/loop")
	h.symlink(t, "docker-compose.yml", "home/shop/www/docker-compose.yml")
	h.symlink(t, "/dev/zero", "home/shop/www/compose.yaml")
	if err := syscall.Mkfifo(filepath.Join(root, "docker-compose.fifo.yml"), 0o600); err != nil {
		t.Fatal(err)
	}
	bomb := "a0: &a0 [x]\n"
	for i := range 60 {
		bomb += fmt.Sprintf("a%d: &a%d [*a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i)
	}
	for name, text := range map[string]string{
		"compose.bomb.yml":  bomb + "services: {x: {command: *a60, environment: *a60, labels: *a60}}\n",
		"compose.merge.yml": "services: &s\n  x: &x\n    <<: [*s, *x]\n    <<: *s\n",
		"compose.deep.yml":  strings.Repeat("[", 100_000),
		"compose.map.yml":   strings.Repeat("? ", 100_000),
		"compose.many.yml":  "services:\n" + strings.Repeat("  x: {command: bin/magento cron:run}\n", 20_000),
		"compose.docs.yml":  strings.Repeat("---\nkind: List\n", 50_000),
		"compose.long.yml":  "services: {x: {command: '" + strings.Repeat("magento ", 100_000) + "'}}\n",
		"compose.words.yml": "services: {x: {command: [" + strings.Repeat("a, ", 100_000) + "]}}\n",
		"k.yaml": "apiVersion: v1\nkind: List\nitems: [" +
			strings.Repeat("{kind: List, apiVersion: v1, items: [", 2000) + "\n",
		"not-read-at-all.yml": strings.Repeat("#", maxDefinition+1),
	} {
		h.write(t, "home/shop/www/"+name, text)
	}
	for i := range 300 {
		h.write(t, fmt.Sprintf("home/shop/www/many/%d", i), "")
	}
	l := newLook(h.options(), "/nonexistent")
	l.rootEntries = 200
	l.rootDefinitions(t.Context())
	e := l.evidence
	var problems []string
	for _, p := range e.Problems {
		problems = append(problems, p.Text)
	}
	if !slices.ContainsFunc(problems, func(p string) bool {
		return strings.Contains(p,
			"only the first 200 files in it")
	}) {
		t.Errorf("problems: %v", problems)
	}
	if len(e.Armed(finding.Magento2)) > 0 {
		t.Errorf("%+v", e.Entries)
	}
}

// TestNowhereDefined checks that nothing below the roots is looked at where no crontabs are wanted.
func TestNowhereDefined(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.write(t, "home/shop/www/docker-compose.yml", "services:\n  cron:\n    command: bin/magento cron:run\n")
	if e := Look(t.Context(), Options{Magento2Root: h.magento2, Crontabs: []string{}}); len(e.Entries) > 0 {
		t.Errorf("%+v", e)
	}
	if e := Look(t.Context(), Options{Magento2Root: h.magento2, Crontabs: []string{filepath.Join(h.dir,
		"home/shop/*")}}); len(e.Entries) != 1 {
		t.Errorf("%+v", e)
	}
}

func FuzzDefinition(f *testing.F) {
	for _, c := range slices.Concat(kubernetesCases(), composeCases(), imageCases(), cloudCases()) {
		f.Add([]byte(c.text))
	}
	f.Add([]byte("\r0 magento cron:run"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := newLook(Options{Magento2Root: "/srv/m2", Magento1Root: "/srv/m1"}, "/nonexistent")
		l.definitionFile("/srv/m2/x.yml", data)
		l.ofeliaFile("/srv/m2/x.ini", data)
		l.dockerfile("/srv/m2/Dockerfile", data)
		for _, e := range l.evidence.Entries {
			if !plausible(e, data) || e.Certainty != Possible {
				t.Errorf("%+v", e)
			}
		}
	})
}
