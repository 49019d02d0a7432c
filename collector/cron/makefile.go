package cron

import (
	"cmp"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Limits of a makefile and of what is followed in it.
const (
	maxMakefile = 256 << 10
	maxTargets  = 1000
	maxExpanded = 10_000
)

// makefile is what is understood of one: rules, and variables that are set to a text.
type makefile struct {
	rules map[string]*rule
	// first is the target that is made when none is asked for.
	first string
	vars  map[string]string
	// patterns says that it has rules whose targets are patterns, opaque that it has parts whose working is not known
	// here.
	patterns, opaque bool
	text             strings.Builder
	// expansions is how many variables have been replaced: each can hold others many times.
	expansions int
}

type rule struct {
	needs, recipe []string
}

// make reads what make does for the goals that it is given.
func (r *reader) make(args []word, sh shell) {
	call := makeCall(args, &sh)
	path, text, ok := r.makefileText(call, sh)
	if !ok || sh.elsewhere != "" || sh.depth > maxDepth {
		r.undecide("make " + join(args))
		return
	}
	m := makefile{rules: map[string]*rule{}, vars: map[string]string{}}
	r.readMakefile(&m, path, text, maxDepth)
	maps.Copy(m.vars, call.vars)
	goals := call.goals
	if len(goals) == 0 {
		goals = []string{m.first}
	}
	there := sh.child()
	there.script = path
	p := r.part()
	reached := p.reach(&m, goals, there)
	if !reached || m.opaque && p.unsure {
		p.undecide(withoutComments(m.text.String()))
	}
	if p.unsure {
		p.undecide(join(args))
	}
	r.take(p, there)
}

// call is how make is called.
type call struct {
	file  string
	goals []string
	vars  map[string]string
}

// makeCall reads make's arguments. -C changes the shell's directory.
func makeCall(args []word, sh *shell) call {
	c := call{vars: map[string]string{}}
	for i := 0; i < len(args); i++ {
		text := args[i].source()
		name, value, assigned := strings.Cut(text, "=")
		next := func() word {
			if i++; i < len(args) {
				return args[i]
			}
			return ""
		}
		switch {
		case text == "-C" || text == "--directory":
			sh.dir = sh.resolve(next())
		case strings.HasPrefix(text, "-C"):
			sh.dir = sh.resolve(word(text[2:]))
		case name == "--directory":
			sh.dir = sh.resolve(word(value))
		case text == "-f" || text == "--file" || text == "--makefile":
			c.file = string(next())
		case name == "--file" || name == "--makefile":
			c.file = value
		case text == "-j" || text == "-l" || text == "-I" || text == "-o" || text == "-W":
			if i+1 < len(args) && (text != "-j" && text != "-l" || isNumber(string(args[i+1]))) {
				i++
			}
		case strings.HasPrefix(text, "-"):
		case assigned:
			c.vars[strings.TrimRight(name, ":?+")] = value
		default:
			c.goals = append(c.goals, text)
		}
	}
	return c
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// makefileText finds the makefile, as make does.
func (r *reader) makefileText(c call, sh shell) (path, text string, ok bool) {
	names := []string{"GNUmakefile", "makefile", "Makefile"}
	if c.file != "" {
		names = []string{c.file}
	}
	for _, name := range names {
		path := sh.resolve(word(name))
		if path != "" && (r.written[path] != "" || isFile(path)) {
			text, ok := r.scriptText(path)
			return path, text, ok && len(text) <= maxMakefile
		}
	}
	return "", "", false
}

var (
	makeAssignment = regexp.MustCompile(`^(?:export\s+|override\s+)*([A-Za-z_.][\w.-]*)\s*(:{0,3}|\?|\+|!)=\s*(.*)$`)
	makeInclude    = regexp.MustCompile(`^(-|s)?include\s+(.*)$`)
	makeDirective  = regexp.MustCompile(`^(if(?:n?eq|n?def)|else|endif|define|undefine|vpath|unexport|export|load)\b`)
	makeRule       = regexp.MustCompile(`^([^=#\t][^=#]*?)\s*::?(?:[^=]|$)`)
)

// readMakefile adds what a makefile says. Of conditional parts both sides count.
func (r *reader) readMakefile(m *makefile, path, text string, depth int) {
	m.text.WriteString(text)
	var current []*rule
	inDefine := false
	for _, line := range makeLines(text) {
		recipe, isRecipe := strings.CutPrefix(line, "\t")
		line = strings.TrimSpace(withoutMakeComment(line))
		directive := makeDirective.FindStringSubmatch(line)
		switch {
		case inDefine:
			inDefine = !strings.HasPrefix(line, "endef")
		case isRecipe && len(current) > 0:
			for _, rule := range current {
				rule.recipe = append(rule.recipe, recipe)
			}
		case line == "":
		case directive != nil && directive[1] == "define":
			m.opaque, inDefine = true, true
		case makeInclude.MatchString(line):
			groups := makeInclude.FindStringSubmatch(line)
			r.includeMakefiles(m, path, groups[2], groups[1] != "", depth)
		case makeAssignment.MatchString(line):
			m.assign(makeAssignment.FindStringSubmatch(line))
		case directive != nil:
		case makeRule.MatchString(line):
			current = m.addRule(line)
		default:
			m.opaque = true // a function like $(eval …)
		}
	}
}

// makeLines joins the lines that a backslash continues. In a recipe the shell gets the backslash too.
func makeLines(text string) []string {
	var joined []string
	var line strings.Builder
	isRecipe, goesOn := false, false
	for part := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
		part = strings.TrimSuffix(part, "\n")
		if !goesOn {
			isRecipe = strings.HasPrefix(part, "\t")
		} else {
			part = strings.TrimPrefix(part, "\t")
		}
		kept, more := strings.CutSuffix(part, `\`)
		goesOn = more
		switch {
		case more && isRecipe:
			line.WriteString(part + "\n")
		case more:
			line.WriteString(kept + " ")
		default:
			line.WriteString(part)
			joined = append(joined, line.String())
			line.Reset()
		}
	}
	return append(joined, line.String())
}

func withoutMakeComment(line string) string {
	if i := strings.IndexByte(line, '#'); i >= 0 && (i == 0 || line[i-1] != '\\') {
		return line[:i]
	}
	return line
}

// includeMakefiles reads the files that an include names. What is optional and not there changes nothing.
func (r *reader) includeMakefiles(m *makefile, path, names string, optional bool, depth int) {
	for name := range strings.FieldsSeq(m.expand(names, "", shell{}, 0)) {
		file := absolute(filepath.Dir(path), name)
		text, ok := "", false
		if depth > 0 && !strings.Contains(name, unknownPart) && !strings.ContainsAny(name, "*?[") && isFile(file) {
			text, ok = r.scriptText(file)
		}
		if !ok || len(text) > maxMakefile {
			isMissing := filepath.IsAbs(file) && !isFile(file) && !strings.ContainsAny(name, "*?[$")
			m.opaque = m.opaque || !optional || !isMissing
			continue
		}
		r.readMakefile(m, path, text, depth-1)
	}
}

// assign sets a variable, by the groups of makeAssignment.
func (m *makefile) assign(groups []string) {
	name, operator, value := groups[1], groups[2], groups[3]
	old, set := m.vars[name]
	switch {
	case operator == "!":
		value = unknownPart
	case operator == "?" && set:
		return
	case operator == "+" && set:
		value = old + " " + value
	}
	if len(value) > maxValue || len(m.vars) >= maxVars {
		value = unknownPart
	}
	m.vars[name] = value
}

// addRule takes a line like "target: needs ; recipe" and returns the rules of its targets.
func (m *makefile) addRule(line string) []*rule {
	targets, rest, _ := strings.Cut(line, ":")
	rest = strings.TrimPrefix(rest, ":")
	if groups := makeAssignment.FindStringSubmatch(strings.TrimSpace(rest)); groups != nil {
		m.vars[groups[1]] = unknownPart // it has this value for some targets only
		return nil
	}
	needs, recipe, hasRecipe := strings.Cut(rest, ";")
	var rules []*rule
	for target := range strings.FieldsSeq(m.expand(targets, "", shell{}, 0)) {
		if strings.Contains(target, "%") || strings.Contains(target, unknownPart) {
			m.patterns = true
			target = "%" + target
		}
		if m.rules[target] == nil && len(m.rules) < maxTargets {
			m.rules[target] = &rule{}
		}
		current := m.rules[target]
		if current == nil {
			m.opaque = true
			continue
		}
		if m.first == "" && !strings.HasPrefix(target, ".") && !strings.HasPrefix(target, "%") {
			m.first = target
		}
		needed := strings.ReplaceAll(m.expand(needs, target, shell{}, 0), "|", " ")
		current.needs = append(current.needs, strings.Fields(needed)...)
		if hasRecipe {
			current.recipe = append(current.recipe, strings.TrimSpace(recipe))
		}
		rules = append(rules, current)
	}
	return rules
}

var makeName = regexp.MustCompile(`^[\w.-]+$`)

// expand replaces the variables in a text. What make computes is unknown, as is a variable of an environment that is
// not known.
func (m *makefile) expand(text, target string, sh shell, depth int) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found || out.Len() > maxShellText {
			return out.String()
		}
		name := after[:min(1, len(after))]
		text = after[len(name):]
		if name == "(" || name == "{" {
			name, text = makeParenthesis(after)
		}
		out.WriteString(m.value(name, target, sh, depth))
	}
}

// makeParenthesis returns what is between a parenthesis or brace and the one that belongs to it, and what follows.
func makeParenthesis(text string) (inside, rest string) {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '{':
			depth++
		case ')', '}':
			depth--
		}
		if depth == 0 {
			return text[1:i], text[i+1:]
		}
	}
	return text, ""
}

// value is what a reference like $(name) yields.
func (m *makefile) value(name, target string, sh shell, depth int) string {
	value, set := m.vars[name]
	m.expansions++
	switch {
	case m.expansions > maxExpanded:
		return unknownPart
	case name == "$":
		return "$"
	case name == "@" && target != "":
		return target
	case name == "MAKE":
		return "make"
	case name == "CURDIR" || name == "PWD":
		return cmp.Or(sh.dir, unknownPart)
	case !makeName.MatchString(name), depth > maxDepth:
		return unknownPart
	case set:
		return m.expand(value, target, sh, depth+1)
	}
	if known := sh.value(name); known != "" {
		return known
	}
	if sh.closed {
		return ""
	}
	return unknownPart
}

// reach reads the recipes that make runs for goals. It reports whether a rule is known for each of them.
func (r *reader) reach(m *makefile, goals []string, sh shell) bool {
	all := true
	if goal := m.vars[".DEFAULT_GOAL"]; goal != "" && len(goals) == 1 && goals[0] == m.first {
		goals = []string{m.expand(goal, "", sh, 0)}
	}
	seen := map[string]bool{}
	for len(goals) > 0 && r.spend(1) {
		goal := goals[0]
		goals = goals[1:]
		rule := m.rules[goal]
		if seen[goal] || rule == nil {
			all = all && (seen[goal] || !m.patterns)
			continue
		}
		seen[goal] = true
		goals = append(slices.Clone(rule.needs), goals...)
		goals = goals[:min(len(goals), maxTargets)]
		r.recipe(m, rule.recipe, goal, sh)
	}
	return all
}

// recipe reads a recipe. Each line has a shell of its own, unless the makefile says otherwise.
func (r *reader) recipe(m *makefile, lines []string, target string, sh shell) {
	if m.rules[".ONESHELL"] != nil {
		lines = []string{strings.Join(lines, "\n")}
	}
	for _, line := range lines {
		line = strings.TrimLeft(strings.TrimSpace(line), "@+- ")
		there := sh
		r.text(m.expand(line, target, sh, 0), &there, dialectsOf(m.vars["SHELL"]))
	}
}
