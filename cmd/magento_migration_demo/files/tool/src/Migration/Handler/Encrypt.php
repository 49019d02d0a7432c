<?php
// The exporter looks whether the handlers that a map file names exist.
