// Projects in languages that are compiled, each with one dependency of its registry where it has one, and a test.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MatrixProject } from './matrix-project.ts'
import { put, run } from './matrix-project.ts'

export const COMPILED: readonly MatrixProject[] = [
  {
    name: 'cargo with a dependency of the registry',
    needs: ['cargo'],
    async make(dir) {
      await run(dir, 'cargo', 'init', '--name', 'counted', '--vcs', 'none')
      const manifest = await readFile(join(dir, 'Cargo.toml'), 'utf8')
      await put(dir, {
        'Cargo.toml': `${manifest.replace('edition = "2024"', 'edition = "2021"')}itoa = "1"\n`,
        '.gitignore': 'target/\n',
        'src/main.rs':
          'fn words(n: u32) -> String {\n    itoa::Buffer::new().format(n).to_owned()\n}\n\nfn main() {\n    println!("{}", words(7));\n}\n\n#[test]\nfn counts() {\n    assert_eq!(words(7), "7");\n}\n',
      })
      await run(dir, 'cargo', 'generate-lockfile')
    },
    reasons: [
      'Cargo.toml → cargo',
      'Cargo.lock → cargo fetch --locked',
      'Cargo.toml → cargo build --release --offline',
      'Cargo.toml → cargo test --offline',
    ],
    leaves: ['target/release/counted'],
  },
  {
    name: 'go with a module',
    needs: ['go'],
    async make(dir) {
      await run(dir, 'go', 'mod', 'init', 'example.org/named')
      await put(dir, {
        'main_test.go':
          'package main\n\nimport "testing"\n\nfunc TestName(t *testing.T) {\n\tif name() != "named" {\n\t\tt.Fatal(name())\n\t}\n}\n',
        'main.go':
          'package main\n\nimport (\n\t"fmt"\n\n\t"github.com/pkg/errors"\n)\n\nfunc name() string { return errors.New("named").Error() }\n\nfunc main() { fmt.Println(name()) }\n',
      })
      await run(dir, 'go', 'mod', 'edit', '-require', 'github.com/pkg/errors@v0.9.1')
      await run(dir, 'go', 'mod', 'tidy')
    },
    reasons: ['go.mod → go', 'go.sum → go mod download', 'go.mod → go build -o bin/ ./...', 'go.mod → go test ./...'],
    leaves: ['bin/named'],
  },
  {
    name: 'make',
    needs: ['cc'],
    make: (dir) =>
      put(dir, {
        Makefile:
          'all: hello\n\nhello: hello.c\n\t$(CC) -O2 -o $@ $<\n\ntest: hello\n\t./hello | grep -q hello\n\nclean:\n\trm -f hello\n\n.PHONY: all test clean\n',
        'hello.c': '#include <stdio.h>\n\nint main(void) {\n  puts("hello");\n  return 0;\n}\n',
      }),
    reasons: ['Makefile → make', 'Makefile → make all', 'Makefile has a target "test" → make test'],
    leaves: ['hello'],
  },
  {
    name: 'cmake',
    needs: ['cmake', 'cc'],
    make: (dir) =>
      put(dir, {
        'CMakeLists.txt':
          'cmake_minimum_required(VERSION 3.13)\nproject(greeter C)\nenable_testing()\nadd_executable(greeter main.c)\nadd_test(NAME greets COMMAND greeter)\n',
        'main.c': '#include <stdio.h>\n\nint main(void) {\n  return puts("hello") < 0;\n}\n',
      }),
    reasons: [
      'CMakeLists.txt → cmake',
      'CMakeLists.txt → cmake -S . -B build -DCMAKE_BUILD_TYPE=Release',
      'CMakeLists.txt → cmake --build build --parallel',
      'CMakeLists.txt enables testing → ctest --test-dir build --output-on-failure',
    ],
    leaves: ['build/greeter'],
  },
  {
    name: 'maven',
    needs: ['maven'],
    make: (dir) =>
      put(dir, {
        'pom.xml':
          '<project xmlns="http://maven.apache.org/POM/4.0.0">\n  <modelVersion>4.0.0</modelVersion>\n  <groupId>org.example</groupId>\n  <artifactId>greeter</artifactId>\n  <version>1.0</version>\n  <properties>\n    <maven.compiler.source>8</maven.compiler.source>\n    <maven.compiler.target>8</maven.compiler.target>\n    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>\n  </properties>\n  <dependencies>\n    <dependency>\n      <groupId>junit</groupId>\n      <artifactId>junit</artifactId>\n      <version>4.13.2</version>\n      <scope>test</scope>\n    </dependency>\n  </dependencies>\n</project>\n',
        'src/main/java/org/example/Greeter.java':
          'package org.example;\n\npublic class Greeter {\n  public static String greeting() {\n    return "hello";\n  }\n}\n',
        'src/test/java/org/example/GreeterTest.java':
          'package org.example;\n\nimport static org.junit.Assert.assertEquals;\n\nimport org.junit.Test;\n\npublic class GreeterTest {\n  @Test\n  public void greets() {\n    assertEquals("hello", Greeter.greeting());\n  }\n}\n',
        '.gitignore': 'target/\n',
      }),
    reasons: [
      'pom.xml → maven',
      'pom.xml → mvn -B -ntp -Dmaven.test.failure.ignore=true package',
      'pom.xml → mvn -B -ntp -o package -DskipTests',
      'pom.xml → mvn -B -ntp -o test',
    ],
    leaves: ['target/greeter-1.0.jar'],
  },
]
