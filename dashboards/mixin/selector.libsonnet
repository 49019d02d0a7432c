// Reads a selector of series, without its braces, and refuses one that Prometheus would refuse or that can match nothing.
local isLetter(c) = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
local isDigit(c) = c >= '0' && c <= '9';

// Labels that `up` lacks, and with it a selector that has to match every series.
local notOfTargets = ['__name__', 'migration', 'precondition', 'status', 'phase', 'system', 'severity', 'subject'];

local refuse(selector, why) = error 'selector %s: %s' % [std.escapeStringJson(selector), why];

// One character changes where the reader is: name, operator, value, escaped (inside a value) or end.
local read(selector, state, c) =
  local go(at) = state { at: at };
  local next = {
    name:
      if c == ' ' then state
      else if isLetter(c) || (isDigit(c) && state.name != '') then state { name+: c }
      else if (c == '=' || c == '!') && state.name != '' then state { at: 'operator', operator: c }
      else refuse(selector, 'a matcher begins with the name of a label, not with "%s"' % c),
    operator:
      if c == '=' || c == '~' then state { operator+: c }
      else if c == '"' then go('value')
      else if c == ' ' then state
      else refuse(selector, 'the value of %s needs double quotes' % state.name),
    value:
      if c == '\\' then go('escaped') { value+: c }
      else if c == '"' then {
        at: 'end',
        name: '',
        operator: '',
        value: '',
        matchers: state.matchers + [{ name: state.name, operator: state.operator, value: state.value }],
      }
      else state { value+: c },
    escaped: go('value') { value+: c },
    end:
      if c == ',' then go('name')
      else if c == ' ' then state
      else refuse(selector, 'a comma has to be between two matchers, not "%s"' % c),
  };
  next[state.at];

local matchers(selector) =
  local start = { at: 'name', name: '', operator: '', value: '', matchers: [] };
  local end = std.foldl(function(state, c) read(selector, state, c), std.stringChars(selector), start);
  if end.matchers == [] && end.name == '' then
    refuse(selector, 'it is empty, and would select the series of everybody')
  else if end.at != 'end' then refuse(selector, 'it ends in the middle of a matcher')
  else end.matchers;

// A matcher that selects series without the label, too.
local matchesEmpty(m) = m.value == '' && std.member(['=', '=~'], m.operator);

local check(selector) =
  local all = matchers(selector);
  local wrong = [m for m in all if !std.member(['=', '!=', '=~', '!~'], m.operator)];
  local lacking = [m.name for m in all if std.member(notOfTargets, m.name)];
  local empty = [m.name for m in all if matchesEmpty(m) && std.member(['job', 'instance'], m.name)];
  local contradictions = [
    a.name
    for a in all
    for b in all
    if a.name == b.name && a.operator == '=' && b.operator == '=' && a.value != b.value
  ];
  if wrong != [] then refuse(selector, 'there is no operator %s' % wrong[0].operator)
  else if lacking != [] then
    refuse(selector, '`up` has no label %s, so it matches no target: select targets by job or instance' % lacking[0])
  else if empty != [] then
    refuse(selector, 'it matches nothing: every series has the label %s' % empty[0])
  else if contradictions != [] then
    refuse(selector, 'it matches nothing: %s cannot have two values' % contradictions[0])
  else selector;

{ check: check }
