//! Projects that build their archives without `pom.properties`, with Gradle, Ant, sbt or Bazel: what tells their artifacts' groups.
//!
//! Each row is a fact about artifacts at Maven Central: an archive with such a name that holds something below that package is of that group. Both must fit, so that
//! a foreign `spring-tool.jar` is not taken for Spring's. Order matters only where two rows could fit one archive.

use super::identity::Roots;

/// Artifacts of one group.
struct Project {
    group: &'static str,
    /// The Java package below which they have classes or resources; empty where they have none, so that only their manifest speaks for them.
    package: &'static str,
    /// Their names; `a-*` are those that begin with `a-`, and `a=b` is artifact `b`, which the project's own distribution calls `a.jar`.
    artifacts: &'static [&'static str],
    /// First major version that is of this group.
    since: u32,
}

const fn of(group: &'static str, package: &'static str, artifacts: &'static [&'static str]) -> Project {
    Project { group, package, artifacts, since: 0 }
}

const fn since(since: u32, project: Project) -> Project {
    Project { since, ..project }
}

/// The group and artifact of an archive that calls itself `name`; `in_manifest` says that its manifest has a version.
pub(super) fn find(name: &str, major: u32, in_manifest: bool, roots: &Roots) -> Option<(&'static str, String)> {
    let has_content = |package: &str| if package.is_empty() { in_manifest } else { roots.has(package) };
    let fits =
        |project: &&Project| major >= project.since && project.artifact(name).is_some() && has_content(project.package);
    let project = PROJECTS.iter().find(fits)?;
    Some((project.group, project.artifact(name)?.to_owned()))
}

impl Project {
    fn artifact<'n>(&self, name: &'n str) -> Option<&'n str>
    where
        Self: 'n,
    {
        self.artifacts.iter().find_map(|pattern| match (pattern.strip_suffix('*'), pattern.split_once('=')) {
            (Some(start), _) => name.starts_with(start).then_some(name),
            (None, Some((called, artifact))) => (name == called).then_some(artifact),
            (None, None) => (name == *pattern).then_some(name),
        })
    }
}

#[rustfmt::skip]
const PROJECTS: &[Project] = &[
    // Spring asks others not to begin the names of their starters so.
    of("org.springframework.boot", "", &["spring-boot-starter", "spring-boot-starter-*"]),
    of("org.springframework.boot", "org.springframework.boot", &["spring-boot", "spring-boot-*"]),
    of("org.springframework.security.oauth", "org.springframework.security.oauth2", &["spring-security-oauth2"]),
    of("org.springframework.security", "org.springframework.security", &["spring-security-*"]),
    of("org.springframework.batch", "org.springframework.batch", &["spring-batch-*"]),
    of("org.springframework.integration", "org.springframework.integration", &["spring-integration-*"]),
    of("org.springframework.session", "org.springframework.session", &["spring-session-*"]),
    of("org.springframework.kafka", "org.springframework.kafka", &["spring-kafka", "spring-kafka-test"]),
    of("org.springframework.amqp", "org.springframework.amqp", &["spring-amqp", "spring-rabbit", "spring-rabbit-*"]),
    of("org.springframework.ldap", "org.springframework", &["spring-ldap-*"]),
    of("org.springframework.graphql", "org.springframework.graphql", &["spring-graphql", "spring-graphql-test"]),
    of("org.springframework.ws", "org.springframework", &["spring-ws-*", "spring-xml"]),
    of("org.springframework.restdocs", "org.springframework.restdocs", &["spring-restdocs-*"]),
    of("org.springframework.webflow", "org.springframework", &["spring-webflow", "spring-binding", "spring-faces"]),
    of("org.springframework.statemachine", "org.springframework.statemachine", &["spring-statemachine-*"]),
    of("org.springframework", "org.springframework", &[
        "spring-aop", "spring-aspects", "spring-beans", "spring-context", "spring-context-indexer", "spring-context-support", "spring-core", "spring-core-test",
        "spring-expression", "spring-instrument", "spring-instrument-tomcat", "spring-jcl", "spring-jdbc", "spring-jms", "spring-messaging", "spring-orm", "spring-oxm", "spring-r2dbc",
        "spring-struts", "spring-test", "spring-tx", "spring-web", "spring-webflux", "spring-webmvc", "spring-webmvc-portlet", "spring-websocket",
    ]),
    of("org.springframework", "org.apache.commons.logging", &["spring-jcl"]),
    // Tomcat's distribution: what the launcher starts is the whole of it.
    of("org.apache.tomcat", "org.apache.catalina.startup", &["bootstrap=tomcat"]),
    of("org.apache.tomcat.embed", "org.apache", &["tomcat-embed-*"]),
    of("org.apache.tomcat.embed", "jakarta", &["tomcat-embed-*"]),
    of("org.apache.tomcat", "org.apache.catalina", &[
        "catalina=tomcat-catalina", "catalina-ant=tomcat-catalina-ant", "catalina-ha=tomcat-catalina-ha", "catalina-tribes=tomcat-tribes", "catalina-ssi=tomcat-ssi",
        "catalina-storeconfig=tomcat-storeconfig",
    ]),
    of("org.apache.tomcat", "org.apache.jasper", &["jasper=tomcat-jasper"]),
    of("org.apache.tomcat", "org.apache", &["jasper-el=tomcat-jasper-el", "tomcat-*"]),
    of("org.apache.tomcat", "javax", &["tomcat-*"]),
    of("org.apache.tomcat", "jakarta", &["tomcat-*"]),
    of("io.projectreactor.netty.incubator", "reactor.netty", &["reactor-netty-incubator-*"]),
    of("io.projectreactor.netty", "reactor.netty", &["reactor-netty", "reactor-netty-*"]),
    of("io.projectreactor.addons", "reactor", &["reactor-extra", "reactor-adapter", "reactor-pool"]),
    of("io.projectreactor.kafka", "reactor.kafka", &["reactor-kafka"]),
    of("io.projectreactor.kotlin", "reactor", &["reactor-kotlin-extensions"]),
    of("io.projectreactor", "reactor", &["reactor-core", "reactor-core-micrometer", "reactor-test", "reactor-tools"]),
    of("io.rsocket", "io.rsocket", &["rsocket-*"]),
    of("com.squareup.okhttp3", "okhttp3", &["okhttp", "okhttp-*", "logging-interceptor", "mockwebserver"]),
    of("com.squareup.okio", "okio", &["okio", "okio-*"]),
    of("com.squareup.retrofit2", "retrofit2", &["retrofit", "converter-*", "adapter-*"]),
    of("com.squareup.moshi", "com.squareup.moshi", &["moshi", "moshi-*"]),
    of("org.jetbrains.kotlinx", "kotlinx", &["kotlinx-*", "atomicfu", "atomicfu-*"]),
    // The parts for all platforms have metadata in these folders, and no classes.
    of("org.jetbrains.kotlinx", "commonMain", &["kotlinx-*"]),
    of("org.jetbrains.kotlin", "kotlin", &["kotlin-*"]),
    of("org.jetbrains.kotlin", "org.jetbrains.kotlin", &["kotlin-*"]),
    of("org.jetbrains", "org.jetbrains.annotations", &["annotations"]),
    of("io.ktor", "io.ktor", &["ktor-*"]),
    since(4, of("org.apache.groovy", "groovy", &["groovy", "groovy-*"])),
    since(4, of("org.apache.groovy", "org.apache.groovy", &["groovy-*"])),
    of("org.codehaus.groovy", "groovy", &["groovy", "groovy-*"]),
    of("org.codehaus.groovy", "org.apache.groovy", &["groovy-*"]),
    of("org.apache.lucene", "org.apache.lucene", &["lucene-*"]),
    of("org.apache.solr", "org.apache.solr", &["solr-*"]),
    of("org.apache.kafka", "org.apache.kafka", &["kafka-*", "connect-*"]),
    of("org.apache.kafka", "kafka", &["kafka_*", "kafka-*"]),
    of("co.elastic.clients", "co.elastic.clients", &["elasticsearch-java"]),
    of("org.opensearch.client", "org.opensearch.client", &["opensearch-*"]),
    of("org.opensearch", "org.opensearch", &["opensearch", "opensearch-*"]),
    of("io.grpc", "io.grpc", &["grpc-*"]),
    of("io.perfmark", "io.perfmark", &["perfmark-*"]),
    of("io.opencensus", "io.opencensus", &["opencensus-*"]),
    of("io.opentelemetry.javaagent", "io.opentelemetry.javaagent", &["opentelemetry-javaagent", "opentelemetry-javaagent-*"]),
    of("io.opentelemetry.instrumentation", "io.opentelemetry.instrumentation", &["opentelemetry-*"]),
    of("io.opentelemetry.contrib", "io.opentelemetry.contrib", &["opentelemetry-*"]),
    of("io.opentelemetry", "io.opentelemetry", &["opentelemetry-*"]),
    of("io.opentracing", "io.opentracing", &["opentracing-*"]),
    of("org.bouncycastle", "org.bouncycastle", &["bcprov-*", "bcpkix-*", "bcutil-*", "bctls-*", "bcpg-*", "bcmail-*", "bcjmail-*", "bcmls-*", "bc-fips", "bc-noncert"]),
    since(4, of("org.ow2.asm", "org.objectweb.asm", &["asm", "asm-*"])),
    of("asm", "org.objectweb.asm", &["asm", "asm-*"]),
    of("org.junit.jupiter", "org.junit.jupiter", &["junit-jupiter", "junit-jupiter-*"]),
    of("org.junit.jupiter", "", &["junit-jupiter"]),
    of("org.junit.platform", "org.junit.platform", &["junit-platform-*"]),
    of("org.junit.vintage", "org.junit.vintage", &["junit-vintage-engine"]),
    of("junit", "org.junit", &["junit"]),
    of("junit", "junit", &["junit"]),
    of("org.apiguardian", "org.apiguardian", &["apiguardian-api"]),
    of("org.opentest4j", "org.opentest4j", &["opentest4j"]),
    of("org.hamcrest", "org.hamcrest", &["hamcrest", "hamcrest-*"]),
    of("org.mockito", "org.mockito", &["mockito-*"]),
    of("org.objenesis", "org.objenesis", &["objenesis"]),
    of("org.seleniumhq.selenium", "org.openqa.selenium", &["selenium-*"]),
    of("org.hibernate.common", "org.hibernate.annotations.common", &["hibernate-commons-annotations"]),
    of("org.hibernate.javax.persistence", "javax.persistence", &["hibernate-jpa-*"]),
    since(6, of("org.hibernate.orm", "org.hibernate", &["hibernate-*"])),
    of("org.hibernate", "org.hibernate", &[
        "hibernate-agroal", "hibernate-c3p0", "hibernate-core", "hibernate-core-jakarta", "hibernate-ehcache", "hibernate-entitymanager", "hibernate-envers", "hibernate-hikaricp",
        "hibernate-infinispan", "hibernate-java8", "hibernate-jcache", "hibernate-jpamodelgen", "hibernate-proxool", "hibernate-spatial", "hibernate-testing", "hibernate-vibur",
    ]),
    of("org.mongodb", "org.bson", &["bson", "bson-*", "mongo-java-driver"]),
    of("org.mongodb", "com.mongodb", &["mongodb-driver", "mongodb-driver-*", "mongodb-crypt"]),
    of("mysql", "com.mysql", &["mysql-connector-java"]),
    of("com.mysql", "com.mysql", &["mysql-connector-j"]),
    of("org.postgresql", "org.postgresql", &["postgresql"]),
    of("com.h2database", "org.h2", &["h2", "h2-*"]),
    of("org.hsqldb", "org.hsqldb", &["hsqldb", "sqltool"]),
    of("org.apache.derby", "org.apache.derby", &["derby", "derbyclient", "derbynet", "derbyshared", "derbytools"]),
    of("com.oracle.database.jdbc", "oracle.jdbc", &["ojdbc*"]),
    of("com.oracle.database.jdbc", "oracle.ucp", &["ucp", "ucp11"]),
    of("org.liquibase", "liquibase", &["liquibase-core"]),
    of("com.mchange", "com.mchange", &["c3p0", "mchange-commons-java"]),
    of("org.freemarker", "freemarker", &["freemarker", "freemarker-gae"]),
    of("org.thymeleaf.extras", "org.thymeleaf.extras", &["thymeleaf-extras-*"]),
    of("org.thymeleaf", "org.thymeleaf", &["thymeleaf", "thymeleaf-spring*"]),
    of("org.apache.velocity", "org.apache.velocity", &["velocity", "velocity-*"]),
    of("com.github.ben-manes.caffeine", "com.github.benmanes.caffeine", &["caffeine", "guava", "jcache", "simulator"]),
    of("com.jayway.jsonpath", "com.jayway.jsonpath", &["json-path", "json-path-assert"]),
    of("com.graphql-java", "graphql", &["graphql-java", "graphql-java-*"]),
    of("com.graphql-java", "org.dataloader", &["java-dataloader"]),
    of("io.reactivex.rxjava3", "io.reactivex.rxjava3", &["rxjava"]),
    of("io.reactivex.rxjava2", "io.reactivex", &["rxjava"]),
    of("io.reactivex", "rx", &["rxjava", "rxjava-*"]),
    of("org.reactivestreams", "org.reactivestreams", &["reactive-streams", "reactive-streams-*"]),
    of("org.scala-lang", "scala", &["scala-library", "scala-reflect", "scala-compiler", "scalap", "scala3-library_3"]),
    of("org.scala-lang.modules", "scala", &["scala-parser-combinators_*", "scala-xml_*", "scala-java8-compat_*", "scala-collection-compat_*", "scala-parallel-collections_*"]),
    of("com.typesafe", "com.typesafe.config", &["config"]),
    of("com.typesafe.akka", "akka", &["akka-*"]),
    of("com.typesafe.play", "play", &["play", "play-*", "play_*"]),
    of("net.java.dev.jna", "com.sun.jna", &["jna", "jna-platform"]),
    since(3, of("org.htmlunit", "org.htmlunit", &["htmlunit", "htmlunit-*", "neko-htmlunit"])),
    of("net.sourceforge.htmlunit", "com.gargoylesoftware", &["htmlunit", "htmlunit-*"]),
    of("net.sourceforge.htmlunit", "net.sourceforge.htmlunit", &["htmlunit", "htmlunit-*", "neko-htmlunit"]),
    of("org.apache.poi", "org.apache.poi", &["poi", "poi-*"]),
    of("org.apache.poi", "org.openxmlformats", &["poi-ooxml-lite", "poi-ooxml-full", "ooxml-schemas", "poi-ooxml-schemas"]),
    of("org.apache.xmlbeans", "org.apache.xmlbeans", &["xmlbeans"]),
    of("org.apache.xmlgraphics", "org.apache.batik", &["batik-*"]),
    of("org.apache.xmlgraphics", "org.apache", &["xmlgraphics-commons", "fop", "fop-*"]),
    of("org.apache.ant", "org.apache.tools.ant", &["ant", "ant-*"]),
    of("org.apache.thrift", "org.apache.thrift", &["libthrift"]),
    of("org.ehcache", "org.ehcache", &["ehcache", "ehcache-*"]),
    of("org.mozilla", "org.mozilla", &["rhino", "rhino-*"]),
    of("org.python", "org.python", &["jython", "jython-standalone"]),
    since(2, of("org.dom4j", "org.dom4j", &["dom4j"])),
    of("dom4j", "org.dom4j", &["dom4j"]),
    of("org.jdom", "org.jdom", &["jdom"]),
    of("org.jdom", "org.jdom2", &["jdom2"]),
    of("xom", "nu.xom", &["xom"]),
    of("antlr", "antlr", &["antlr"]),
    of("org.aspectj", "org.aspectj", &["aspectjweaver", "aspectjrt", "aspectjtools", "aspectjmatcher"]),
    of("xalan", "org.apache.xalan", &["xalan"]),
    of("xalan", "org.apache.xml.serializer", &["serializer"]),
    of("xerces", "org.apache.xerces", &["xercesImpl"]),
    of("xml-apis", "org.w3c.dom", &["xml-apis", "xml-apis-ext"]),
    of("xmlpull", "org.xmlpull", &["xmlpull"]),
    of("xpp3", "org.xmlpull", &["xpp3", "xpp3_min"]),
    of("javax.inject", "javax.inject", &["javax.inject"]),
    of("org.mortbay.jasper", "org.apache", &["apache-el", "apache-jsp", "org.mortbay.jasper.apache-el=apache-el", "org.mortbay.jasper.apache-jsp=apache-jsp"]),
    of("org.eclipse.jetty.toolchain", "javax", &["jetty-servlet-api", "jetty-javax-*"]),
    of("org.eclipse.jetty.toolchain", "jakarta", &["jetty-jakarta-*"]),
    of("org.testcontainers", "org.testcontainers", &["testcontainers"]),
    of("org.eclipse.sisu", "org", &["org.eclipse.sisu.*"]),
    of("org.sonatype.sisu", "com.google.inject", &["sisu-guice"]),
    of("classworlds", "org.codehaus.classworlds", &["classworlds"]),
    of("oro", "org.apache.oro", &["oro"]),
    of("backport-util-concurrent", "edu.emory.mathcs.backport", &["backport-util-concurrent"]),
    of("com.google.code.findbugs", "javax.annotation", &["jsr305"]),
    of("javax.annotation", "javax.annotation", &["jsr250-api"]),
    of("aopalliance", "org.aopalliance", &["aopalliance"]),
    of("org.eclipse.jetty.orbit", "javax", &["javax.security.auth.message", "javax.servlet", "javax.servlet.jsp", "javax.activation"]),
    of("axis", "org.apache.axis", &["axis", "axis-ant"]),
    of("org.apache.axis", "javax.xml", &["axis-jaxrpc", "axis-saaj"]),
    of("axis", "javax.wsdl", &["axis-wsdl4j"]),
    of("wsdl4j", "javax.wsdl", &["wsdl4j"]),
    of("commons-httpclient", "org.apache.commons.httpclient", &["commons-httpclient"]),
    of("commons-discovery", "org.apache.commons.discovery", &["commons-discovery"]),
    of("commons-collections", "org.apache.commons.collections", &["commons-collections"]),
    of("commons-logging", "org.apache.commons.logging", &["commons-logging", "commons-logging-api"]),
    of("commons-beanutils", "org.apache.commons.beanutils", &["commons-beanutils", "commons-beanutils-core"]),
    of("commons-fileupload", "org.apache.commons.fileupload", &["commons-fileupload"]),
    of("commons-digester", "org.apache.commons.digester", &["commons-digester"]),
    of("commons-dbcp", "org.apache.commons.dbcp", &["commons-dbcp"]),
    of("commons-pool", "org.apache.commons.pool", &["commons-pool"]),
    of("commons-codec", "org.apache.commons.codec", &["commons-codec"]),
    of("commons-lang", "org.apache.commons.lang", &["commons-lang"]),
    of("commons-io", "org.apache.commons.io", &["commons-io"]),
    of("commons-chain", "org.apache.commons.chain", &["commons-chain"]),
    of("commons-validator", "org.apache.commons.validator", &["commons-validator"]),
    of("commons-net", "org.apache.commons.net", &["commons-net"]),
    of("commons-cli", "org.apache.commons.cli", &["commons-cli"]),
    of("org.checkerframework", "org.checkerframework", &["checker", "checker-*"]),
    of("com.github.spotbugs", "edu.umd.cs.findbugs", &["spotbugs-annotations", "spotbugs"]),
    of("org.lz4", "net.jpountz", &["lz4-java", "lz4-pure-java"]),
    of("com.unboundid", "com.unboundid", &["unboundid-ldapsdk"]),
    of("cn.hutool", "cn.hutool", &["hutool-*"]),
    of("org.eclipse.jdt", "org.eclipse.jdt", &["ecj", "org.eclipse.jdt.ecj=ecj"]),
];
