#!/bin/sh
# {{.What}}
set -e
case "$1 $2" in
{{- range $i, $e := .Entries}}
"{{inc $i}} ")
  cat <<'__END_OF_WHAT_IS_SHOWN__'
{{$e.Do}}
__END_OF_WHAT_IS_SHOWN__
{{$e.Do}}
  ;;
{{- if $e.Undo}}
"{{inc $i}} undo")
  cat <<'__END_OF_WHAT_IS_SHOWN__'
{{$e.Undo}}
__END_OF_WHAT_IS_SHOWN__
{{$e.Undo}}
  ;;
{{- end}}
{{- end}}
*)
  cat <<'__END_OF_WHAT_IS_SHOWN__'
{{.What}}
{{range $i, $e := .Entries}}
  {{inc $i | printf "%2d"}}  {{$e.Title}}
{{- end}}

To do it:
  {{.Path}} NUMBER
{{- if .Undo}}
To undo it:
  {{.Path}} NUMBER undo
{{- end}}
__END_OF_WHAT_IS_SHOWN__
  ;;
esac
