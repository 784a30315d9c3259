// Package packaging holds no code, but what bouncelog is packaged with: units, a crontab line, notes on log rotation, the
// description of the Debian package and the RPM, and the recipe of a container image. internal/tools/release puts them
// together. The tests hold them to the program and to each other; `make test-packages` installs what is built.
package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bouncelog/internal/cli"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// settings returns the values of each key of a unit or an environment file, in their order (systemd.syntax(7)).
func settings(text string) map[string][]string {
	all := make(map[string][]string)
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			all[key] = append(all[key], value)
		}
	}
	return all
}

// checkCommand makes sure that the program takes these arguments.
func checkCommand(t *testing.T, args []string) {
	t.Helper()
	cmd, rest, err := cli.Command().Find(args)
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err != nil || !cmd.HasParent() {
		t.Errorf("bouncelog %q: %v", args, err)
		return
	}
	for _, path := range cmd.Flags().Args() {
		if !strings.HasPrefix(path, "/var/log/") {
			t.Errorf("bouncelog %q: reads %s", args, path)
		}
	}
	if len(cmd.Flags().Args()) == 0 {
		t.Errorf("bouncelog %q: reads nothing", args)
	}
}

func TestService(t *testing.T) {
	unit := settings(read(t, "bouncelog.service"))
	for key, want := range map[string][]string{
		"Type":                  {"oneshot"},
		"DynamicUser":           {"yes"},
		"SupplementaryGroups":   {"adm systemd-journal"},
		"StateDirectory":        {"bouncelog"},
		"ProtectSystem":         {"strict"},
		"ReadOnlyPaths":         {"/var/log"},
		"NoNewPrivileges":       {"yes"},
		"PrivateNetwork":        {"yes"},
		"EnvironmentFile":       {"-/etc/default/bouncelog", "-/etc/sysconfig/bouncelog"},
		"SystemCallFilter":      {"@system-service", "~@privileged"},
		"CapabilityBoundingSet": {""},
	} {
		if !slices.Equal(unit[key], want) {
			t.Errorf("%s=%q, want %q", key, unit[key], want)
		}
	}
	if len(unit["ExecStart"]) != 1 || !strings.HasPrefix(unit["ExecStart"][0], "/usr/bin/bouncelog ") {
		t.Fatalf("ExecStart=%q", unit["ExecStart"])
	}
	own := strings.Trim(unit["Environment"][0], `"`)
	for _, text := range []string{own, read(t, "default"), read(t, "sysconfig")} {
		env := make(map[string]string)
		for key, values := range settings(text) {
			env[key] = strings.Trim(values[0], `"`)
		}
		if env["BOUNCELOG_LOGS"] == "" {
			t.Errorf("no logs in %q", text)
		}
		checkCommand(t, strings.Fields(os.Expand(unit["ExecStart"][0], func(name string) string { return env[name] }))[1:])
	}
}

func TestTimer(t *testing.T) {
	unit := settings(read(t, "bouncelog.timer"))
	if !slices.Equal(unit["Persistent"], []string{"true"}) || !slices.Equal(unit["WantedBy"], []string{"timers.target"}) || len(unit["OnCalendar"]) != 1 {
		t.Errorf("a day is missed, or the timer cannot be enabled: %q", unit)
	}
}

// TestVerify has systemd check the units: there must be no complaint, and next to nothing that the service is exposed to.
func TestVerify(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze on this machine")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var paths []string
	for _, name := range []string{"bouncelog.service", "bouncelog.timer"} {
		// The program has to be there.
		text := strings.ReplaceAll(read(t, name), "/usr/bin/bouncelog", self)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, paths...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	if help, err := exec.Command(analyze, "--help").CombinedOutput(); err != nil || !strings.Contains(string(help), "--threshold=") {
		t.Skip("this systemd-analyze cannot judge a unit offline")
	}
	// In tenths: 1.0 is SAFE.
	if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=10", "--no-pager", paths[0]).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}

// TestCrontab reads the line as cron does (crontab(5)). It is the one of README, with the user and the folder that are made
// there, and reads and keeps what the service does.
func TestCrontab(t *testing.T) {
	jobs := 0
	readme := read(t, "../../README.md")
	for line := range strings.Lines(read(t, "crontab")) {
		if command, ok := strings.CutPrefix(line, "#   "); ok && !strings.Contains(readme, "\n    "+command) {
			t.Errorf("README has not: %s", command)
		}
		if strings.HasPrefix(line, "#") || regexp.MustCompile(`^[A-Z]+=`).MatchString(line) {
			continue
		}
		jobs++
		m := regexp.MustCompile(`^((?:[-\d*,/]+ ){5}) *([a-z]+) +(.*)\n$`).FindStringSubmatch(line)
		if m == nil || strings.Contains(line, "%") { // % is a newline to cron
			t.Fatalf("not a line of /etc/cron.d: %q", line)
		}
		args, ok := strings.CutPrefix(m[3], "bouncelog ")
		if !ok || m[2] != "bouncelog" {
			t.Fatalf("%q does not run bouncelog as the user that was made for it", line)
		}
		if !strings.Contains(readme, "\n    "+line) {
			t.Errorf("README has not: %s", line)
		}
		checkCommand(t, strings.Fields(strings.ReplaceAll(args, "'", "")))
		unit := read(t, "bouncelog.service")
		for _, shared := range []string{" --state /var/lib/bouncelog ", "/var/log/mail.log*"} {
			if !strings.Contains(line, shared) || !strings.Contains(unit, shared) {
				t.Errorf("not both of cron and the service have %q", shared)
			}
		}
	}
	if jobs != 1 {
		t.Errorf("%d jobs, want 1", jobs)
	}
}

// TestScripts runs the scripts of the packages with a systemctl that only tells what it was asked.
func TestScripts(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh on this machine")
	}
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		t.Skip("systemd runs here: the scripts would do more")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte("#!"+sh+"\necho \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ script, arg, want string }{
		{"postinstall.sh", "configure", ""}, // there is nobody to tell
		{"preremove.sh", "remove", "disable bouncelog.timer\n"},
		{"preremove.sh", "0", "disable bouncelog.timer\n"},
		{"preremove.sh", "upgrade", ""},
		{"preremove.sh", "1", ""},
		{"postremove.sh", "remove", ""},
		{"postremove.sh", "upgrade", ""},
		{"postremove.sh", "1", ""},
	} {
		cmd := exec.Command(sh, test.script, test.arg)
		cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != test.want {
			t.Errorf("%s %s: %v, %q; want %q", test.script, test.arg, err, out, test.want)
		}
	}
}

// TestContents makes sure that what the packages hold is what there is here, and that the units are where systemd looks.
func TestContents(t *testing.T) {
	text := read(t, "nfpm.yaml")
	sources := make(map[string]string)
	for _, m := range regexp.MustCompile(`src: ([^,]+), dst: ([^,]+),`).FindAllStringSubmatch(text, -1) {
		sources[filepath.Base(m[1])] = m[2]
	}
	for _, name := range []string{"bouncelog.service", "bouncelog.timer", "default", "sysconfig", "crontab", "logrotate"} {
		if sources[name] == "" {
			t.Errorf("nfpm.yaml does not pack %s", name)
		}
	}
	if got := sources["bouncelog.service"]; got != "/usr/lib/systemd/system/bouncelog.service" {
		t.Errorf("the service is at %s", got)
	}
	if exec := settings(read(t, "bouncelog.service"))["ExecStart"][0]; !strings.HasPrefix(exec, sources["bouncelog"]+" ") {
		t.Errorf("the service runs %q, the program is at %s", exec, sources["bouncelog"])
	}
	for _, m := range regexp.MustCompile(`: scripts/(\S+)`).FindAllStringSubmatch(text, -1) {
		read(t, m[1])
	}
}

// TestContainerfile holds the recipe to what a container needs that has nothing but the program.
func TestContainerfile(t *testing.T) {
	var got []string
	for line := range strings.Lines(read(t, "Containerfile")) {
		if !strings.HasPrefix(line, "#") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	want := []string{"FROM scratch", "ARG TARGETARCH", "COPY --chmod=0755 ${TARGETARCH}/bouncelog /bouncelog", "USER 65534:65534", `ENTRYPOINT ["/bouncelog"]`, `CMD ["--help"]`}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
